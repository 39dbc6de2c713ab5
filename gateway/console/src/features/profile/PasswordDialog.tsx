// SPDX-License-Identifier: Apache-2.0
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'
import { PasswordField } from '@/ui/PasswordField'

interface PasswordDialogProps {
  title: string
  text: string
  verb: string
  dangerous?: boolean
  onSend: (password: { current_password: string }) => Promise<unknown>
  onClose: () => void
}

/** Changes what protects the sign-in, and mostly takes it away, for who knows the password. */
export function PasswordDialog({ title, text, verb, dangerous = true, onSend, onClose }: PasswordDialogProps) {
  const { t } = useTranslation(['profile', 'ui'])
  const { problem, sending, submit, form } = useApiForm({
    initial: { current_password: '' },
    check: { current_password: (typed: string) => (typed ? null : t('ui:missing')) } as never,
    send: async (password) => {
      await onSend(password)
      onClose()
    },
  })
  return (
    <FormDialog title={title} form={{ problem, sending, submit }} verb={verb} dangerous={dangerous} onClose={onClose}>
      <Text>{text}</Text>
      <PasswordField
        label={t('password.current')}
        autoComplete="current-password"
        data-autofocus
        {...form.getInputProps('current_password')}
      />
    </FormDialog>
  )
}
