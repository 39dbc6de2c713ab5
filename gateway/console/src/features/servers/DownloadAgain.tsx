// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Modal, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { Builds } from './Builds'

/** Any build of an agent that is there already (check list 6.05). */
export function DownloadAgain({ agent, onClose }: { agent: Schemas['AgentView']; onClose: () => void }) {
  const { t } = useTranslation(['servers', 'ui'])
  return (
    <Modal opened onClose={onClose} title={t('downloadOf', { name: agent.name })} size="60rem">
      <Stack>
        <Builds agent={agent} />
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('ui:close')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
