// SPDX-License-Identifier: Apache-2.0
import { Modal, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useConsole } from './useConsole'

/** Name, version and copyright. */
export default function About({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('app')
  const { brand, version } = useConsole()
  return (
    <Modal opened onClose={onClose} title={t('help.about')} size="sm">
      <Stack gap="xs">
        <img src="/console/seal.svg" alt="" width={44} height={44} />
        <Text fw={600}>{brand}</Text>
        <Text size="sm">{t('help.version', { version })}</Text>
        <Text size="sm" c="dimmed">
          {t('help.copyright')}
        </Text>
      </Stack>
    </Modal>
  )
}
