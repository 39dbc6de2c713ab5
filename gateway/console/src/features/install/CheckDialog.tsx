// SPDX-License-Identifier: Apache-2.0
// Installation check: what the sites of an order serve now, beside what they should (guide §3.4).
import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconShieldCheck } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, send, useApi } from '@/api/client'
import type { OrderDialogProps } from '@/features/orders/actions'
import { JobSteps } from '@/ui/JobSteps'
import { ProblemAlert } from '@/ui/Says'
import { Facts, Moment } from '@/ui/Texts'

interface SeenBinding {
  address: string
  port: number
  correct: boolean
  detail?: string
  failure?: string
  served?: Schemas['ServedCertificate']
}

export default function CheckDialog({ order, onClose }: OrderDialogProps) {
  const { t } = useTranslation(['install', 'ui'])
  const path = { order_id: order.order_id }
  const full = useApi('/api/v1/orders/{order_id}', { path })
  const [ids, setIds] = useState<string[]>([])
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Error | null>(null)
  const jobs = useApi('/api/v1/jobs', { query: { ...path, limit: 20 } }, { enabled: ids.length > 0 })
  const expected = full.data?.certificate?.serial ?? ''
  const name = full.data?.common_name ?? ''
  const sites = useApi(
    '/api/v1/sites',
    { query: { name, limit: 50 } },
    { enabled: name !== '' && !name.startsWith('*') },
  )
  const installed = full.data?.installations.filter((one) => one.status === 'installed') ?? []
  const targets = installed.length > 0 ? installed : (sites.data?.items ?? [])
  const places = [
    ...new Map(targets.map((one) => [one.site_id, { site_id: one.site_id, server_id: one.server_id }])).values(),
  ]
  const check = async () => {
    setBusy(true)
    setProblem(null)
    try {
      const made = await Promise.all(
        places.map((place) =>
          send('post', '/api/v1/installation-checks', { body: { ...place, ...path, expected_serial: expected } }),
        ),
      )
      setIds(made.map((job) => job.job_id))
    } catch (error) {
      setProblem(error as Error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Modal opened onClose={onClose} title={t('checkTitle', { number: order.number })} size="lg">
      <Stack>
        <Text size="sm">{t('checkText')}</Text>
        <Facts facts={[[t('expected'), <code key="serial">{expected}</code>]]} />
        {places.length === 0 && full.data && <Text>{t('nowhere')}</Text>}
        {jobs.data?.items
          .filter((job) => ids.includes(job.job_id))
          .map((job) => (
            <Stack key={job.job_id} gap="xs">
              <JobSteps job={job} />
              {((job.result.bindings ?? []) as SeenBinding[]).map((binding) => (
                <Seen key={`${binding.address}:${binding.port}`} binding={binding} />
              ))}
            </Stack>
          ))}
        {problem && <ProblemAlert problem={problem} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('ui:close')}
          </Button>
          <Button loading={busy} disabled={places.length === 0} onClick={() => void check()}>
            {t('check')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

function Seen({ binding }: { binding: SeenBinding }) {
  const { t } = useTranslation('install')
  const { served } = binding
  const Icon = binding.correct ? IconShieldCheck : IconAlertTriangle
  return (
    <Alert
      variant="light"
      color={binding.correct ? 'pine' : 'vermilion'}
      role={binding.correct ? 'status' : 'alert'}
      icon={<Icon size={18} aria-hidden />}
      title={t(binding.correct ? 'right' : 'wrong', { place: `${binding.address || '*'}:${binding.port}` })}
    >
      {served ? (
        <Facts
          facts={[
            [t('servedSerial'), <code key="serial">{served.serial}</code>],
            [t('subject'), <bdi key="subject">{served.subject}</bdi>],
            [t('issuer'), <bdi key="issuer">{served.issuer}</bdi>],
            [t('expires'), <Moment key="expires" at={served.not_after} />],
          ]}
        />
      ) : (
        <Text size="sm" className="wrap">
          {binding.detail || binding.failure}
        </Text>
      )}
    </Alert>
  )
}
