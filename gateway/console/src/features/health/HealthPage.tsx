// SPDX-License-Identifier: Apache-2.0
// How this installation is: each service's own view of itself, what is parked for a person, and whether the ledger adds up.
import { Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useApi } from '@/api/client'
import { Asked } from '@/ui/Says'
import { Ledger } from './Ledger'
import { Parked } from './Parked'
import { Services } from './Services'

const EVERY_MS = 5_000

export default function HealthPage() {
  const { t } = useTranslation('health')
  const found = useApi('/api/v1/operator/services', {}, { every: EVERY_MS, staleTime: 0 })
  return (
    <Stack gap="lg">
      <Title order={1}>{t('title')}</Title>
      <Text maw={720} c="dimmed">
        {t('intro')}
      </Text>
      <Asked query={found}>
        {({ ready, services }) => (
          <>
            <Services ready={ready} services={services} at={found.dataUpdatedAt} />
            <Parked services={services} />
          </>
        )}
      </Asked>
      <Ledger />
    </Stack>
  )
}
