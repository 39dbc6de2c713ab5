// SPDX-License-Identifier: Apache-2.0
// A dialog with a form: what it says, its fields, Cancel and the word that sends it.
import { Button, Group, Modal, Stack } from '@mantine/core'
import type { FormEvent, ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ProblemAlert } from './Says'

interface FormDialogProps {
  title: string
  /** Of useApiForm. */
  form: { problem: Error | null; sending: boolean; submit: (event?: FormEvent) => Promise<boolean> }
  /** The word on the button that sends. */
  verb: string
  dangerous?: boolean
  size?: string
  onClose: () => void
  children: ReactNode
}

export function FormDialog({ title, form, verb, dangerous = false, size, onClose, children }: FormDialogProps) {
  const { t } = useTranslation('ui')
  return (
    <Modal opened onClose={onClose} title={title} size={size}>
      <form onSubmit={(event) => void form.submit(event)} noValidate>
        <Stack>
          {form.problem && <ProblemAlert problem={form.problem} />}
          {children}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button type="submit" color={dangerous ? 'vermilion' : undefined} loading={form.sending}>
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
