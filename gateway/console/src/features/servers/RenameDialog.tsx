// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useApiForm } from '@/ui/form'
import { ProblemAlert } from '@/ui/Says'

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
    <Modal opened onClose={onClose} title={t('renameOf', { name })}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Stack>
          {problem && <ProblemAlert problem={problem} />}
          <TextInput label={t('newName')} data-autofocus autoComplete="off" {...form.getInputProps('name')} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('ui:cancel')}
            </Button>
            <Button type="submit" loading={sending}>
              {t('ui:save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
