// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconFileDiff } from '@tabler/icons-react'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { type Order, type Schemas, useApi } from '@/api/client'
import { PlanOfJob } from '@/features/install/PlanView'
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
            {PLANNED.includes(job.kind) && OVER.includes(job.status) && <Changes job={job} />}
          </Stack>
        ))}
      </Stack>
    </section>
  )
}

const PLANNED = ['install_certificate', 'plan_installation']
const OVER = ['succeeded', 'failed']

/** The files that it changed, or was to change, for whoever wants to see them. */
function Changes({ job }: { job: Schemas['JobView'] }) {
  const { t } = useTranslation('order')
  const [open, { toggle }] = useDisclosure()
  const id = useId()
  return (
    <>
      <Button
        variant="subtle"
        size="compact-sm"
        leftSection={<IconFileDiff size={16} aria-hidden />}
        aria-expanded={open}
        aria-controls={id}
        onClick={toggle}
        style={{ alignSelf: 'flex-start' }}
      >
        {t('showPlan')}
      </Button>
      <div id={id}>{open && <PlanOfJob jobId={job.job_id} />}</div>
    </>
  )
}
