// SPDX-License-Identifier: Apache-2.0
import { TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useTranslation } from 'react-i18next'
import { useCommand } from '@/api/client'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'
import { Permissions } from './Permissions'
import type { User } from './UsersPage'

/** Another address or other permissions. The last administrator keeps the right; the API says so. */
export function ChangeUser({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useTranslation(['users', 'ui'])
  const change = useCommand('patch', '/api/v1/users/{user_id}', ['/api/v1/users', '/api/v1/session'])
  const { form, problem, sending, submit } = useApiForm({
    initial: { email: user.email, permissions: [...user.permissions] as string[] },
    check: { permissions: (some: string[]) => (some.length > 0 ? null : t('permissionMissing')) } as never,
    send: async (values) => {
      await change.mutateAsync({
        path: { user_id: user.user_id },
        body: { email: values.email.trim(), permissions: values.permissions as never },
      })
      notifications.show({ message: t('change.done', { login: user.login }) })
      onClose()
    },
  })
  return (
    <FormDialog
      title={t('change.of', { login: user.login })}
      form={{ problem, sending, submit }}
      verb={t('ui:save')}
      size="lg"
      onClose={onClose}
    >
      <TextInput
        label={t('email')}
        type="email"
        withAsterisk
        autoComplete="off"
        data-autofocus
        {...form.getInputProps('email')}
      />
      <Permissions field={form.getInputProps('permissions')} />
    </FormDialog>
  )
}
