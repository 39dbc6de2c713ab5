// SPDX-License-Identifier: Apache-2.0
// Each site of one installation: waiting, being worked on with its steps, serving the certificate, failed or not begun.
import { Alert, Badge, Button, Group, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { type Order, type Schemas, useApi } from '@/api/client'
import { why } from '@/sentences/say'
import { JobSteps } from '@/ui/JobSteps'
import { Status } from '@/ui/Status'

export type Installation = Order['installations'][number]
const OPEN = ['queued', 'requested']
const AGAIN = ['failed', 'not_begun']

export const isOver = (all: readonly Installation[]) => all.length > 0 && all.every((one) => !OPEN.includes(one.status))

interface TargetsProps {
  orderId: string
  installations: readonly Installation[]
  nameOf: (siteId: string) => string
  busy: boolean
  onAgain: (siteIds: string[]) => void
}

export function Targets({ orderId, installations, nameOf, busy, onAgain }: TargetsProps) {
  const { t } = useTranslation('install')
  const jobs = useApi('/api/v1/jobs', { query: { order_id: orderId, kind: 'install_certificate', limit: 50 } })
  // A canary comes before those that wait for it, and the newest list says the latest first.
  const shown = [...installations].reverse()
  const left = shown.filter((one) => AGAIN.includes(one.status)).map((one) => one.site_id)
  const over = isOver(installations)
  return (
    <Stack component="section" aria-label={t('targets')}>
      {shown.map((one) => (
        <Target
          key={one.installation_id}
          one={one}
          name={nameOf(one.site_id)}
          several={shown.length > 1}
          job={jobs.data?.items.find(
            (job) => job.subject === nameOf(one.site_id) && job.created_at >= one.requested_at,
          )}
        />
      ))}
      {over && shown.length > 1 && left.length === 0 && (
        <Alert variant="light" color="pine" role="status" title={t('installedAll')} />
      )}
      {over && shown.length > 1 && left.length > 0 && (
        <Group justify="flex-end">
          <Button variant="default" loading={busy} onClick={() => onAgain(left)}>
            {t('again')}
          </Button>
        </Group>
      )}
    </Stack>
  )
}

interface TargetProps {
  one: Installation
  name: string
  several: boolean
  job: Schemas['JobView'] | undefined
}

function Target({ one, name, several, job }: TargetProps) {
  const { t } = useTranslation(['install', 'sentences'])
  return (
    <Stack gap="xs" role="group" aria-label={name}>
      {several && (
        <Group gap="sm">
          <Title order={3} className="wrap">
            {name}
          </Title>
          <Status state={one.status} />
          {one.canary && (
            <Badge variant="outline" color="gray" tt="none" radius="sm">
              {t('isCanary')}
            </Badge>
          )}
        </Group>
      )}
      {one.status === 'queued' && <Text size="sm">{t('queuedText')}</Text>}
      {job && <JobSteps job={job} />}
      {one.status === 'installed' && (
        <Alert variant="light" color="pine" role="status" title={t('installed')}>
          <Text size="sm" className="wrap">
            {t('served', { serial: one.served_serial })}
          </Text>
        </Alert>
      )}
      {AGAIN.includes(one.status) && (
        <Alert variant="light" color={one.status === 'failed' ? 'vermilion' : 'ochre'} role="alert" title={t('failed')}>
          {job?.status !== 'failed' && (
            <Text size="sm" className="wrap">
              {why(one.code, one.reason)}
            </Text>
          )}
        </Alert>
      )}
    </Stack>
  )
}
