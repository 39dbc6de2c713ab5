// SPDX-License-Identifier: Apache-2.0
// SSL Tools (guide §9): one endpoint, looked at and judged.
import { Button, Group, Paper, Progress, Stack, Text, Title } from '@mantine/core'
import { IconDownload, IconStethoscope } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate, useParams } from 'react-router'
import { queryClient, type Schemas, useApi } from '@/api/client'
import { useSession } from '@/app/session'
import { Asked, Empty } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Moment } from '@/ui/Texts'
import { CertificateDetails } from './CertificateDetails'
import { CheckForm, FORM_ID } from './CheckForm'
import { Findings } from './Findings'
import { Grade } from './Grade'
import { History } from './History'
import { ServerDetails } from './ServerDetails'
import { surveyOf } from './survey'
import { TrustDetails } from './TrustDetails'
import { rowOf, verdictOf } from './verdict'

const LOOK_MS = 700
const DEPTHS = ['basic', 'advanced'] as const
const open = (check: Schemas['CheckView'] | undefined) => check?.state === 'waiting' || check?.state === 'running'

export default function ToolsPage() {
  const { t } = useTranslation(['tools', 'ui'])
  const session = useSession()
  const navigate = useNavigate()
  const { checkId } = useParams()
  const [sending, setSending] = useState('')
  const last = useApi('/api/v1/checks', { query: { limit: 1 } }, { enabled: session.customer && !checkId })
  const shown = checkId ?? last.data?.items[0]?.check_id ?? ''
  const [watched, setWatched] = useState(true)
  const found = useApi(
    '/api/v1/checks/{check_id}',
    { path: { check_id: shown } },
    { enabled: shown !== '', every: watched && LOOK_MS },
  )
  if (found.data && open(found.data) !== watched) setWatched(open(found.data))
  const started = (check_id: string) => {
    setWatched(true)
    void queryClient.invalidateQueries({ queryKey: ['/api/v1/checks'] })
    navigate(`/tools/${check_id}`)
  }
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>{t('title')}</Title>
        {session.customer && (
          <Group gap="xs">
            {DEPTHS.map((depth) => (
              <Button
                key={depth}
                type="submit"
                form={FORM_ID}
                name="depth"
                value={depth}
                variant={depth === 'basic' ? 'default' : 'filled'}
                loading={sending === depth}
              >
                {t(`check.${depth}`)}
              </Button>
            ))}
          </Group>
        )}
      </Group>
      {session.customer && <CheckForm onStarted={started} onSending={setSending} />}
      {shown === '' ? (
        last.data && <Empty icon={IconStethoscope} title={t('empty.title')} text={t('empty.text')} />
      ) : (
        <Asked query={found}>{(check) => <Result key={check.check_id} check={check} />}</Asked>
      )}
    </Stack>
  )
}

function Result({ check }: { check: Schemas['CheckView'] }) {
  const { t } = useTranslation(['tools', 'ui'])
  const survey = surveyOf(check)
  const verdict = verdictOf(check)
  const percent = check.steps_total > 0 ? Math.floor((100 * check.steps) / check.steps_total) : 0
  return (
    <Stack>
      <Paper withBorder p="md" component="section" aria-label={t('result')}>
        <Group justify="space-between" align="flex-start" gap="md">
          <Stack gap={6}>
            <Group gap="xs">
              <Text fw={600} fz="lg" className="wrap">
                <bdi>{`${check.fqdn}:${check.port}`}</bdi>
              </Text>
              <Status state={check.state} />
            </Group>
            <Text size="sm" c="dimmed">
              {t(`check.${check.depth}`)}
              {check.starttls && ` · STARTTLS ${check.starttls.toUpperCase()}`}
              {check.address && ` · ${check.address}`}
              {' · '}
              <Moment at={check.ended_at ?? check.created_at} precision="second" />
            </Text>
            {open(check) && <Progress value={percent} aria-label={t('progress')} striped animated w={260} maw="100%" />}
            {check.state === 'failed' && (
              <Text role="alert">{t(`reason.${check.reason}`, { defaultValue: check.detail || check.reason })}</Text>
            )}
            {check.state === 'finished' && survey && (
              <Text size="sm">
                {t('negotiated', {
                  protocol: survey.negotiated_protocol.replace('v', ' '),
                  suite: survey.negotiated_suite,
                })}
              </Text>
            )}
          </Stack>
          <Group gap="md" align="center">
            {check.state === 'finished' && <Grade check={check} />}
            {!open(check) && (
              <Button
                component="a"
                href={`/api/v1/checks/${check.check_id}/file`}
                download
                size="xs"
                variant="default"
                leftSection={<IconDownload size={15} aria-hidden />}
              >
                JSON
              </Button>
            )}
          </Group>
        </Group>
      </Paper>
      {check.state === 'finished' && (
        <>
          {verdict && <Findings verdict={verdict} />}
          <CertificateDetails check={check} />
          {verdict && rowOf(verdict, 'ocsp') && <TrustDetails verdict={verdict} />}
          {survey?.depth === 'advanced' && <ServerDetails survey={survey} />}
        </>
      )}
      {!open(check) && <History check={check} />}
    </Stack>
  )
}
