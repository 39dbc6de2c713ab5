// SPDX-License-Identifier: Apache-2.0
// What needs a person: certificates that come to their end, newest alert first, and when alerts begin (guide §2).
import { ActionIcon, Button, Group, NativeSelect, Stack, Text, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconBell, IconBellCheck, IconBellOff, IconCalendarDown, IconCheck, IconSettings } from '@tabler/icons-react'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApiPages, useCommand } from '@/api/client'
import { alertSubject, alertText } from '@/app/alertText'
import { useSession } from '@/app/session'
import { type Column, ResourceTable } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Moment } from '@/ui/Texts'
import { useTableState } from '@/ui/tableState'
import { About } from './About'
import { Channels } from './Channels'
import { Feeds } from './Feeds'
import { SettingsDialog } from './SettingsDialog'

type Alert = Schemas['AlertView']
const PAGE = 50
const STATES = ['open', 'acknowledged', 'resolved'] as const

function refused(error: Error): void {
  notifications.show({ color: 'vermilion', message: error.message })
}

export default function AlertsPage() {
  const { t, i18n } = useTranslation(['alerts', 'ui'])
  const session = useSession()
  const state = useTableState()
  const chosen = state.filters.state
  const found = useApiPages(
    '/api/v1/alerts',
    { query: { limit: PAGE, ...(chosen ? { state: chosen } : {}) } },
    { keepPrevious: true },
  )
  const acknowledge = useCommand('post', '/api/v1/alerts/{alert_id}/acknowledge', ['/api/v1/alerts'])
  const mute = useCommand('put', '/api/v1/alerts/{alert_id}/mute', ['/api/v1/alerts'])
  const mayMute = session.can('administer')
  const columns = useMemo<Column<Alert>[]>(
    () => [
      { key: 'severity', title: t('column.severity'), width: 120, render: (row) => <Status state={row.severity} /> },
      {
        key: 'text',
        title: t('column.text'),
        card: 'heading',
        render: (row) => (
          <>
            <span className="wrap">{alertText(row)}</span>
            <Text size="xs" c="dimmed" fw={400}>
              {i18n.exists(`alerts:kind.${row.kind}`) ? t(`kind.${row.kind}`) : row.kind}
            </Text>
          </>
        ),
      },
      { key: 'about', title: t('column.about'), render: (row) => <About alert={row} /> },
      { key: 'raised', title: t('column.raised'), noWrap: true, render: (row) => <Moment at={row.raised_at} /> },
      {
        key: 'told',
        title: t('column.told'),
        noWrap: true,
        optional: true,
        render: (row) => <Moment at={row.last_notified_at} />,
      },
      { key: 'state', title: t('column.state'), render: (row) => <State alert={row} /> },
      {
        key: 'actions',
        title: t('column.actions'),
        card: 'foot',
        render: (row) => (
          <Group gap={4} wrap="nowrap">
            {row.state === 'open' && (
              <Button
                size="xs"
                variant="default"
                leftSection={<IconCheck size={15} aria-hidden />}
                aria-label={t('acknowledgeOf', { subject: alertSubject(row) })}
                loading={acknowledge.isPending && acknowledge.variables?.path?.alert_id === row.alert_id}
                onClick={() => acknowledge.mutateAsync({ path: { alert_id: row.alert_id } }).catch(refused)}
              >
                {t('acknowledge')}
              </Button>
            )}
            {mayMute && row.state !== 'resolved' && (
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t(row.muted ? 'unmuteOf' : 'muteOf', { subject: alertSubject(row) })}
                title={t(row.muted ? 'unmute' : 'mute')}
                loading={mute.isPending && mute.variables?.path?.alert_id === row.alert_id}
                onClick={() =>
                  mute.mutateAsync({ path: { alert_id: row.alert_id }, body: { muted: !row.muted } }).catch(refused)
                }
              >
                {row.muted ? <IconBell size={16} /> : <IconBellOff size={16} />}
              </ActionIcon>
            )}
            {row.state === 'resolved' && <span className="dim">–</span>}
          </Group>
        ),
      },
    ],
    [t, i18n, acknowledge, mute, mayMute],
  )
  return (
    <Stack gap="lg">
      <Group justify="space-between">
        <Title order={1}>{t('title')}</Title>
        <Group gap="xs">
          <Button
            component="a"
            href="/api/v1/certificates.ics"
            download
            size="xs"
            variant="default"
            leftSection={<IconCalendarDown size={15} aria-hidden />}
          >
            {t('calendar')}
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconSettings size={15} aria-hidden />}
            onClick={() => state.set({ settings: '1' })}
          >
            {t('settings.title')}
          </Button>
        </Group>
      </Group>
      <Text maw={720} c="dimmed">
        {t('intro')}
      </Text>
      <ResourceTable
        name="alerts"
        label={t('title')}
        columns={columns}
        rowKey={(row) => row.alert_id}
        found={found}
        state={{ ...state, filters: chosen ? { state: chosen } : {} }}
        filters={
          <NativeSelect
            size="xs"
            label={t('column.state')}
            value={chosen ?? ''}
            onChange={(event) => state.set({ state: event.currentTarget.value })}
            data={[
              { value: '', label: t('all') },
              ...STATES.map((value) => ({ value, label: t(`ui:state.${value}`) })),
            ]}
          />
        }
        empty={<Empty icon={IconBellCheck} title={t('empty.title')} text={t('empty.text')} />}
      />
      <Channels />
      {session.can('administer') && <Feeds />}
      {state.filters.settings && (
        <SettingsDialog mayChange={session.can('administer')} onClose={() => state.set({ settings: '' })} />
      )}
    </Stack>
  )
}

function State({ alert }: { alert: Alert }) {
  const { t } = useTranslation('alerts')
  return (
    <>
      <Status state={alert.state} />
      {alert.muted && (
        <Text size="xs" c="dimmed">
          {t('muted')}
        </Text>
      )}
    </>
  )
}
