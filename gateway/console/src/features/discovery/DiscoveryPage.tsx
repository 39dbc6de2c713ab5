// SPDX-License-Identifier: Apache-2.0
// SSL Certificate Discovery (guide §8): where to look, how far it is, what was found.
import { Button, Group, NativeSelect, Stack, Title } from '@mantine/core'
import { IconRadar, IconRadar2 } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate, useParams } from 'react-router'
import { queryClient, useApi } from '@/api/client'
import { useSession } from '@/app/session'
import { moment } from '@/ui/format'
import { Asked, Empty } from '@/ui/Says'
import { Results } from './Results'
import { FORM_ID, ScanForm } from './ScanForm'
import { OPEN, ScanState } from './ScanState'
import { Schedules } from './Schedules'

const LOOK_MS = 1_000

export default function DiscoveryPage() {
  const { t } = useTranslation(['discovery', 'ui'])
  const session = useSession()
  const navigate = useNavigate()
  const { scanId } = useParams()
  const [sending, setSending] = useState(false)
  const scans = useApi('/api/v1/scans', { query: { limit: 50 } }, { enabled: session.customer })
  const shown = scanId ?? scans.data?.items[0]?.scan_id ?? ''
  const scan = useApi(
    '/api/v1/scans/{scan_id}',
    { path: { scan_id: shown } },
    {
      enabled: shown !== '',
      keepPrevious: true,
      every: (scans.data?.items.some((one) => OPEN.includes(one.state)) ?? false) && LOOK_MS,
    },
  )
  const may = session.customer && session.can('create_order')
  const started = (scan_id: string | null) => {
    void queryClient.invalidateQueries({ queryKey: ['/api/v1/scans'] })
    void queryClient.invalidateQueries({ queryKey: ['/api/v1/scan-schedules'] })
    if (scan_id) navigate(`/discovery/${scan_id}`)
  }
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>{t('title')}</Title>
        {may && (
          <Button type="submit" form={FORM_ID} loading={sending} leftSection={<IconRadar size={17} aria-hidden />}>
            {t('start')}
          </Button>
        )}
      </Group>
      {may && <ScanForm onStarted={started} onSending={setSending} />}
      {session.customer && <Schedules may={may} onRun={started} />}
      {shown === '' ? (
        scans.data && <Empty icon={IconRadar2} title={t('empty.title')} text={t('empty.text')} />
      ) : (
        <Asked query={scan}>
          {(found) => (
            <Stack>
              {(scans.data?.items.length ?? 0) > 1 && (
                <NativeSelect
                  size="xs"
                  maw={420}
                  label={t('scan.choose')}
                  value={found.scan_id}
                  onChange={({ currentTarget: { value } }) => navigate(`/discovery/${value}`)}
                  data={(scans.data?.items ?? []).map((one) => ({
                    value: one.scan_id,
                    label: `${moment(one.created_at, 'minute')} · ${[...one.targets, ...one.names].join(', ')}`.slice(
                      0,
                      90,
                    ),
                  }))}
                />
              )}
              <ScanState scan={found} mayStop={may} />
              <Results key={found.scan_id} scan={found} />
            </Stack>
          )}
        </Asked>
      )}
    </Stack>
  )
}
