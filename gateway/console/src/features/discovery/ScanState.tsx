// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Paper, Progress, Stack, Text } from '@mantine/core'
import { IconPlayerStop } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useCommand } from '@/api/client'
import { ProblemAlert } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Moment } from '@/ui/Texts'

type Scan = Schemas['ScanView']
export const OPEN = ['waiting', 'running', 'stopping']
const COUNTS = ['new', 'changed', 'same', 'gone', 'unseen'] as const

/** How far a scan is, or how it ended: counts, what could not be looked at, and the way to end it. */
export function ScanState({ scan, mayStop }: { scan: Scan; mayStop: boolean }) {
  const { t, i18n } = useTranslation(['discovery', 'ui'])
  const stop = useCommand('post', '/api/v1/scans/{scan_id}/stop', ['/api/v1/scans/{scan_id}'])
  const { progress, counts } = scan
  const open = OPEN.includes(scan.state)
  const percent = progress.total > 0 ? Math.floor((100 * progress.done) / progress.total) : 0
  const number = new Intl.NumberFormat(i18n.language)
  const places = [...scan.targets, ...scan.names].join(', ')
  return (
    <Paper withBorder p="md" component="section" aria-label={t('scan.title')}>
      <Stack gap="xs">
        {stop.error && <ProblemAlert problem={stop.error} />}
        <Group justify="space-between" gap="xs" wrap="nowrap" align="flex-start">
          <Group gap="xs" className="wrap">
            <Status state={scan.state} />
            <Text size="sm" className="wrap">
              <bdi>{places}</bdi>
              {` · ${t('scan.ports', { ports: scan.ports.join(', ') })}`}
              {scan.agent_name && (
                <>
                  {` · ${t('scan.byAgent')} `}
                  <bdi>{scan.agent_name}</bdi>
                </>
              )}
            </Text>
          </Group>
          {open && mayStop && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPlayerStop size={15} aria-hidden />}
              loading={stop.isPending || scan.state === 'stopping'}
              onClick={() => stop.mutate({ path: { scan_id: scan.scan_id } })}
            >
              {t('scan.stop')}
            </Button>
          )}
        </Group>
        {open && <Progress value={percent} aria-label={t('scan.progress')} striped={scan.state === 'running'} />}
        <Text size="sm" aria-live="polite">
          {t('scan.done', { done: number.format(progress.done), total: number.format(progress.total) })}
          {open && progress.rate > 0 && ` · ${t('scan.rate', { rate: number.format(Math.round(progress.rate)) })}`}
          {open && progress.seconds_left !== null && ` · ${t('scan.left', { time: span(progress.seconds_left) })}`}
          {!open && scan.ended_at && (
            <>
              {' · '}
              <Moment at={scan.ended_at} />
            </>
          )}
        </Text>
        {scan.waits_for_agent && (
          <Text size="sm" aria-live="polite">
            {t('scan.waits')} {scan.state === 'waiting' ? '' : t('scan.waitsOn')}
          </Text>
        )}
        <Group gap="md">
          {COUNTS.map((one) => (
            <Text key={one} size="sm" c={counts[one] ? undefined : 'dimmed'}>
              {t(`count.${one}`)} <strong>{number.format(counts[one])}</strong>
            </Text>
          ))}
        </Group>
        {scan.reason && <Text size="sm">{t(`reason.${scan.reason}`)}</Text>}
        {scan.name_problems.length > 0 && (
          <ul className="plain-list">
            {scan.name_problems.map((one) => (
              <li key={one.name}>
                <bdi>{one.name}</bdi>: {t(`problem.${one.reason}`, { defaultValue: one.detail })}
              </li>
            ))}
          </ul>
        )}
        {Object.keys(progress.failures).length > 0 && (
          <Text size="xs" c="dimmed">
            {t('scan.without')}{' '}
            {Object.entries(progress.failures)
              .map(([reason, count]) => `${t(`failure.${reason}`, { defaultValue: reason })} ${number.format(count)}`)
              .join(', ')}
          </Text>
        )}
      </Stack>
    </Paper>
  )
}

/** Seconds as m:ss, from an hour on as h:mm:ss. */
function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, '0'))
  const hours = Math.floor(whole / 3600)
  return hours > 0 ? `${hours}:${parts.join(':')}` : parts.join(':').replace(/^0/, '')
}
