// SPDX-License-Identifier: Apache-2.0
import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconKey } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { CopyLine } from '@/ui/Texts'

/** The temporary password, this once. */
export function Given({ login, password, onClose }: { login: string; password: string; onClose: () => void }) {
  const { t } = useTranslation(['users', 'ui'])
  return (
    <Stack>
      <Alert role="status" color="pine" variant="light" icon={<IconKey size={18} aria-hidden />}>
        <Text size="sm" className="wrap">
          {t('given', { login })}
        </Text>
      </Alert>
      <CopyLine label={t('login')} text={login} />
      <CopyLine label={t('temporaryPassword')} text={password} />
      <Group justify="flex-end">
        <Button onClick={onClose}>{t('ui:close')}</Button>
      </Group>
    </Stack>
  )
}
