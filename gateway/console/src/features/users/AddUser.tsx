// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '@/api/client'
import { useSession } from '@/app/session'
import { useApiForm } from '@/ui/form'
import { ProblemAlert } from '@/ui/Says'
import { Given } from './Given'
import { Permissions } from './Permissions'
import { temporaryPassword } from './temporaryPassword'

/** A further user with a temporary password, which is shown when the user is there. */
export function AddUser({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(['users', 'ui'])
  const session = useSession()
  const [password] = useState(temporaryPassword)
  const [added, setAdded] = useState('')
  const add = useCommand('post', '/api/v1/users', ['/api/v1/users'])
  const { form, problem, sending, submit } = useApiForm({
    initial: { login: '', email: '', permissions: (session.customer ? ['view'] : ['operator', 'view']) as string[] },
    check: {
      login: (text: string) => (text.trim() ? null : t('loginMissing')),
      email: (text: string) => (text.trim() ? null : t('emailMissing')),
      permissions: (some: string[]) => (some.length > 0 ? null : t('permissionMissing')),
    } as never,
    send: async (values) => {
      const login = values.login.trim()
      await add.mutateAsync({
        body: { login, email: values.email.trim(), permissions: values.permissions as never, password },
      })
      setAdded(login)
    },
  })
  return (
    <Modal opened onClose={onClose} title={t('add.title')} size="lg" closeOnClickOutside={!added}>
      {added ? (
        <Given login={added} password={password} onClose={onClose} />
      ) : (
        <form onSubmit={(event) => void submit(event)} noValidate>
          <Stack>
            {problem && <ProblemAlert problem={problem} />}
            <TextInput
              label={t('login')}
              description={t('loginHint')}
              withAsterisk
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              data-autofocus
              {...form.getInputProps('login')}
            />
            <TextInput
              label={t('email')}
              type="email"
              withAsterisk
              autoComplete="off"
              {...form.getInputProps('email')}
            />
            <Permissions field={form.getInputProps('permissions')} />
            <Text size="sm" c="dimmed">
              {t(session.customer ? 'add.next' : 'add.nextOperator')}
            </Text>
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {t('ui:cancel')}
              </Button>
              <Button type="submit" loading={sending}>
                {t('add.verb')}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  )
}
