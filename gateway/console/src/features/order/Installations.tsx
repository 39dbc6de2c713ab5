// SPDX-License-Identifier: Apache-2.0
import { Group, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { type Order, useApi } from '@/api/client'
import { JobSteps } from '@/ui/JobSteps'
import { Status } from '@/ui/Status'
import { Moment } from '@/ui/Texts'

/** What agents did and do for this order, newest first, with their steps as they happen. */
export function Installations({ order }: { order: Order }) {
  const { t } = useTranslation('order')
  const jobs = useApi('/api/v1/jobs', { query: { order_id: order.order_id, limit: 20 } })
  if (!jobs.data || jobs.data.items.length === 0) return null
  return (
    <section className="sheet" aria-label={t('jobs')}>
      <Stack gap="md">
        <Title order={2}>{t('jobs')}</Title>
        {jobs.data.items.map((job) => (
          <Stack key={job.job_id} gap={6}>
            <Group gap="sm">
              <Title order={3}>{t(`job.${job.kind}`, { defaultValue: job.kind })}</Title>
              <Status state={job.status} />
              <Text size="sm" c="dimmed" className="wrap">
                {job.subject} · <Moment at={job.created_at} />
              </Text>
            </Group>
            <JobSteps job={job} />
          </Stack>
        ))}
      </Stack>
    </section>
  )
}
