// SPDX-License-Identifier: Apache-2.0
import { Button, Code, Group, Modal, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Copy } from '@/ui/Texts'

/** Recovery codes, shown this once. */
export function Codes({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  const { t } = useTranslation(['profile', 'ui'])
  const text = codes.join('\n')
  return (
    <Modal opened onClose={onClose} title={t('codes.title')} closeOnClickOutside={false}>
      <Stack>
        <Text>{t('codes.text')}</Text>
        <Group gap={4} wrap="nowrap" align="flex-start">
          <Code block flex={1}>
            {text}
          </Code>
          <Copy text={text} what={t('codes.title')} />
        </Group>
        <Group justify="flex-end">
          <Button
            variant="default"
            component="a"
            href={`data:text/plain;charset=utf-8,${encodeURIComponent(`${text}\n`)}`}
            download="recovery-codes.txt"
          >
            {t('codes.download')}
          </Button>
          <Button onClick={onClose}>{t('codes.kept')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
