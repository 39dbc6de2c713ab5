// SPDX-License-Identifier: Apache-2.0
import { Alert, Button, Group, Text } from '@mantine/core'
import { IconWifiOff } from '@tabler/icons-react'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { fetchApi, queryClient } from '@/api/client'
import { useConnection } from '@/api/connection'
import { Problem } from '@/api/problem'

const TRY_EVERY_MS = 2_000

/** Says that the server cannot be reached, tries by itself, and brings everything up to date when it can. */
export function ConnectionBanner() {
  const { t } = useTranslation('app')
  const connection = useConnection()
  useEffect(() => {
    if (connection === 'up') return
    const timer = setInterval(() => void reconnect(), TRY_EVERY_MS)
    return () => clearInterval(timer)
  }, [connection])
  if (connection === 'up') return null
  return (
    <Alert role="alert" color="ochre" variant="light" mb="md" icon={<IconWifiOff size={18} aria-hidden />}>
      <Group justify="space-between">
        <Text size="sm">{t('lost')}</Text>
        <Button size="xs" variant="default" onClick={() => void reconnect()}>
          {t('reconnect')}
        </Button>
      </Group>
    </Alert>
  )
}

async function reconnect(): Promise<void> {
  try {
    await fetchApi('/api/v1/session')
  } catch (error) {
    if (error instanceof Problem && error.code === 'offline') return
  }
  await queryClient.invalidateQueries()
}
