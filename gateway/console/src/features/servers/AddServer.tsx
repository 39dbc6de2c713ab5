// SPDX-License-Identifier: Apache-2.0
// How an agent gets another server (guide §3.1): it is told on the agent's host, since the keys to it stay there.
import { Button, Group, List, Modal, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { CopyLine } from '@/ui/Texts'

const PROGRAM = 'python3 certwright-agent.pyz'
const STEPS = [
  ['make', `${PROGRAM} keys make`],
  ['copy', `${PROGRAM} keys copy -ip 192.0.2.10 -u admin`],
  ['add', `${PROGRAM} add -ip 192.0.2.10 -u admin`],
] as const

export function AddServer({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(['servers', 'ui'])
  return (
    <Modal opened onClose={onClose} title={t('addServer.title')} size="lg">
      <Stack>
        <Text size="sm">{t('addServer.text')}</Text>
        <List type="ordered" size="sm" spacing="sm" listStyleType="decimal">
          {STEPS.map(([step, command]) => (
            <List.Item key={step} styles={{ itemWrapper: { width: '100%' }, itemLabel: { width: '100%' } }}>
              {t(`addServer.step.${step}`)}
              <CopyLine label={t(`addServer.command.${step}`)} text={command} />
            </List.Item>
          ))}
        </List>
        <Text size="sm" c="dimmed">
          {t('addServer.needs')}
        </Text>
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('ui:close')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
