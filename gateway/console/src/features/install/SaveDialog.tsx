// SPDX-License-Identifier: Apache-2.0
// Save the certificate: as a zip on a server, or here (guide §3.4).
import { Alert, Anchor, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi, useCommand } from '@/api/client'
import { ServerSelect } from '@/features/csr/ServerSelect'
import type { OrderDialogProps } from '@/features/orders/actions'
import { JobSteps } from '@/ui/JobSteps'
import { ProblemAlert } from '@/ui/Says'
import { Facts, Fqdn } from '@/ui/Texts'

export default function SaveDialog({ order, onClose }: OrderDialogProps) {
  const { t } = useTranslation(['install', 'ui'])
  const path = { order_id: order.order_id }
  const full = useApi('/api/v1/orders/{order_id}', { path })
  const [server, setServer] = useState('')
  const [since, setSince] = useState<string | null>(null)
  const save = useCommand('post', '/api/v1/orders/{order_id}/saves', ['/api/v1/jobs'])
  const jobs = useApi('/api/v1/jobs', { query: { ...path, limit: 10 } }, { enabled: since !== null })
  const job = jobs.data?.items.find((one) => one.kind === 'save_certificate' && since && one.created_at >= since)
  const saved = job?.status === 'succeeded' ? String(job.result.path ?? '') : ''
  return (
    <Modal opened onClose={onClose} title={t('saveTitle', { number: order.number })} size="lg">
      <Stack>
        {full.data && <Facts facts={[[t('name'), <Fqdn key="name" name={full.data.common_name} strong />]]} />}
        <Text size="sm">{t('saveNote')}</Text>
        <ServerSelect label={t('server')} value={server} onChange={setServer} />
        {job && <JobSteps job={job} />}
        {saved && (
          <Alert color="pine" variant="light" role="status" className="wrap">
            {t('saved', { path: saved })}
          </Alert>
        )}
        {save.error && <ProblemAlert problem={save.error} />}
        <Group justify="space-between">
          <Anchor href={`/api/v1/orders/${order.order_id}/certificate.pem`} download size="sm">
            {t('downloadHere')}
          </Anchor>
          <Group gap="xs">
            <Button variant="default" onClick={onClose}>
              {t(saved ? 'ui:close' : 'ui:cancel')}
            </Button>
            <Button
              disabled={!server}
              loading={save.isPending}
              onClick={() => {
                setSince(new Date(Date.now() - 2000).toISOString())
                save.mutate({ path, body: { server_id: server } })
              }}
            >
              {t('save')}
            </Button>
          </Group>
        </Group>
      </Stack>
    </Modal>
  )
}
