// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, send, useApi } from '@/api/client'
import { Confirm } from '@/ui/Confirm'
import { ProblemAlert } from '@/ui/Says'
import { Moment } from '@/ui/Texts'

type Schedule = Schemas['ScanSchedule']

/** Scans that run by themselves; nothing where there are none. */
export function Schedules({ may, onRun }: { may: boolean; onRun: (scanId: string) => void }) {
  const { t } = useTranslation(['discovery', 'ui'])
  const found = useApi('/api/v1/scan-schedules')
  const [removed, setRemoved] = useState<Schedule | null>(null)
  const [problem, setProblem] = useState<Error | null>(null)
  const run = async (one: Schedule) => {
    setProblem(null)
    try {
      const scan = await send('post', '/api/v1/scan-schedules/{schedule_id}/run', {
        path: { schedule_id: one.schedule_id },
      })
      onRun(scan.scan_id)
    } catch (error) {
      setProblem(error as Error)
    }
  }
  const remove = async () => {
    if (!removed) return
    await send('delete', '/api/v1/scan-schedules/{schedule_id}', { path: { schedule_id: removed.schedule_id } })
    await found.refetch()
  }
  const items = found.data?.items ?? []
  if (items.length === 0) return null
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="schedules">
      <Stack gap="xs">
        <Title order={2} size="h3" id="schedules">
          {t('schedule.title')}
        </Title>
        {problem && <ProblemAlert problem={problem} />}
        {items.map((one) => (
          <Group key={one.schedule_id} justify="space-between" gap="xs">
            <Text size="sm" className="wrap">
              <strong>
                <bdi>{one.name}</bdi>
              </strong>{' '}
              <bdi>{[...one.targets, ...one.names].join(', ')}</bdi>
              {one.agent_name && ` · ${t('scan.byAgent')} ${one.agent_name}`}
              {` · ${t('schedule.every', { count: one.every_hours })} · ${t('schedule.next')} `}
              <Moment at={one.next_at} />
            </Text>
            {may && (
              <Group gap="xs">
                <Button
                  size="xs"
                  variant="default"
                  aria-label={t('schedule.runOf', { name: one.name })}
                  onClick={() => void run(one)}
                >
                  {t('schedule.run')}
                </Button>
                <Button
                  size="xs"
                  variant="default"
                  aria-label={t('schedule.removeOf', { name: one.name })}
                  onClick={() => setRemoved(one)}
                >
                  {t('ui:remove')}
                </Button>
              </Group>
            )}
          </Group>
        ))}
      </Stack>
      <Confirm
        opened={removed !== null}
        onClose={() => setRemoved(null)}
        title={t('schedule.removeOf', { name: removed?.name ?? '' })}
        verb={t('ui:remove')}
        onConfirm={remove}
      >
        {t('schedule.removeText')}
      </Confirm>
    </Paper>
  )
}
