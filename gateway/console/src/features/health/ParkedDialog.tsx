// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Modal, Stack } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useCommand } from '@/api/client'
import { Confirm } from '@/ui/Confirm'
import { ProblemAlert } from '@/ui/Says'
import { CopyLine, Facts, Moment } from '@/ui/Texts'

const OLD = ['/api/v1/operator/services', '/api/v1/operator/services/{service}/dead-letters'] as const

/** One piece of parked work: why it failed, what it is, and back to work or given up. */
export function ParkedDialog({ letter, onClose }: { letter: Schemas['DeadLetter']; onClose: () => void }) {
  const { t } = useTranslation(['health', 'ui'])
  const [discarding, setDiscarding] = useState(false)
  const path = { service: letter.service, id: letter.id }
  const replay = useCommand('post', '/api/v1/operator/services/{service}/dead-letters/{id}/replay', OLD)
  const discard = useCommand('post', '/api/v1/operator/services/{service}/dead-letters/{id}/discard', OLD)
  const again = async () => {
    if (replay.isPending) return
    try {
      await replay.mutateAsync({ path })
    } catch {
      return // shown below
    }
    notifications.show({ message: t('parked.replayed', { name: letter.name }) })
    onClose()
  }
  if (discarding) {
    return (
      <Confirm
        opened
        onClose={onClose}
        title={t('parked.discardOf', { name: letter.name })}
        verb={t('parked.discard')}
        typed={letter.name}
        onConfirm={async () => {
          await discard.mutateAsync({ path })
          notifications.show({ message: t('parked.discarded', { name: letter.name }) })
        }}
      >
        {t('parked.discardText')}
      </Confirm>
    )
  }
  return (
    <Modal opened onClose={onClose} title={letter.name} size="xl">
      <Stack>
        {replay.error && <ProblemAlert problem={replay.error} />}
        <Facts
          facts={[
            [t('column.service'), t(`service.${letter.service}`)],
            [t('parked.kind'), t(`parked.source.${letter.source}`)],
            [t('parked.subject'), <code key="subject">{letter.subject}</code>],
            [t('parked.attempts'), letter.attempts],
            [t('parked.first'), <Moment key="first" at={letter.first_failed_at} precision="second" />],
            [t('parked.last'), <Moment key="last" at={letter.last_failed_at} precision="second" />],
          ]}
        />
        <CopyLine label={t('parked.traceback')} text={letter.error} />
        <CopyLine label={t('parked.payload')} text={JSON.stringify(letter.payload, null, 2)} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('ui:close')}
          </Button>
          <Button variant="default" onClick={() => setDiscarding(true)}>
            {t('parked.discard')}
          </Button>
          <Button loading={replay.isPending} onClick={() => void again()}>
            {t('parked.replay')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
