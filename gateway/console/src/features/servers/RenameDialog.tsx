// SPDX-License-Identifier: Apache-2.0
import { TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'

interface RenameDialogProps {
  name: string
  onClose: () => void
  onSend: (name: string) => Promise<unknown>
}

export function RenameDialog({ name, onClose, onSend }: RenameDialogProps) {
  const { t } = useTranslation(['servers', 'ui'])
  const { form, problem, sending, submit } = useApiForm({
    initial: { name },
    send: async (values) => {
      await onSend(values.name.trim())
      onClose()
    },
  })
  return (
    <FormDialog
      title={t('renameOf', { name })}
      form={{ problem, sending, submit }}
      verb={t('ui:save')}
      onClose={onClose}
    >
      <TextInput label={t('newName')} data-autofocus autoComplete="off" {...form.getInputProps('name')} />
    </FormDialog>
  )
}
