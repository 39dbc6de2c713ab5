// SPDX-License-Identifier: Apache-2.0
// Asks before something ends. What cannot be undone is typed: the name of the thing.
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ProblemAlert } from './Says'

interface ConfirmProps {
  opened: boolean
  onClose: () => void
  title: string
  children: ReactNode
  /** The word on the button, such as "Revoke". */
  verb: string
  /** What has to be typed; nothing when it can be undone. */
  typed?: string
  harmless?: boolean
  onConfirm: () => Promise<unknown>
}

export function Confirm({ opened, onClose, title, children, verb, typed, harmless = false, onConfirm }: ConfirmProps) {
  const { t } = useTranslation('ui')
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Error | null>(null)
  const close = () => {
    setText('')
    setProblem(null)
    onClose()
  }
  const confirm = async () => {
    if (busy) return
    setBusy(true)
    setProblem(null)
    try {
      await onConfirm()
      close()
    } catch (error) {
      setProblem(error as Error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Modal opened={opened} onClose={close} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!typed || text.trim() === typed) void confirm()
        }}
      >
        <Stack>
          {typeof children === 'string' ? <Text>{children}</Text> : children}
          {typed && (
            <TextInput
              label={t('typeToConfirm', { word: typed })}
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              autoComplete="off"
              data-autofocus
            />
          )}
          {problem && <ProblemAlert problem={problem} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('cancel')}
            </Button>
            <Button
              type="submit"
              color={harmless ? undefined : 'vermilion'}
              loading={busy}
              disabled={typed !== undefined && text.trim() !== typed}
            >
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
