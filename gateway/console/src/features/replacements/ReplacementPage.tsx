// SPDX-License-Identifier: Apache-2.0
// One mass replacement: how far it is, its two clocks, what may be done with it, and who is late.
import { Anchor, Button, Group, Progress, Stack, Text, Title } from '@mantine/core'
import { useInterval } from '@mantine/hooks'
import { IconArrowLeft } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'
import { queryClient, type Schemas, send, useApi } from '@/api/client'
import { useSession } from '@/app/session'
import { Confirm } from '@/ui/Confirm'
import { Asked } from '@/ui/Says'
import { Facts, Moment } from '@/ui/Texts'
import { CLOCKS, clockOf, doneOf, span } from './clocks'
import { State } from './ReplacementsPage'
import { Stragglers } from './Stragglers'

type Replacement = Schemas['ReplacementView']
const LOOK_MS = 3_000
const SECTIONS = [
  ['seen', 'pine'],
  ['unseen', 'ink.3'],
  ['installing', 'ink'],
  ['making', 'ink.5'],
  ['failed', 'vermilion'],
] as const
const STATES = ['seen', 'unseen', 'installing', 'making', 'waiting', 'failed', 'ended', 'withdrawn'] as const

export default function ReplacementPage() {
  const { t } = useTranslation(['replacements', 'ui'])
  const { replacementId = '' } = useParams()
  const path = { replacement_id: replacementId }
  const found = useApi('/api/v1/replacements/{replacement_id}', { path }, { every: LOOK_MS })
  return (
    <Stack>
      <Anchor component={Link} to="/replacements" size="sm">
        <Group gap={4}>
          <IconArrowLeft size={15} aria-hidden /> {t('back')}
        </Group>
      </Anchor>
      <Title order={1}>{t('title')}</Title>
      <Asked query={found}>
        {(one) => (
          <>
            <Group justify="space-between">
              <Group gap="sm">
                <State one={one} />
                <bdi className="wrap">{one.reason}</bdi>
              </Group>
              <Actions one={one} />
            </Group>
            <Done one={one} />
            <Clocks one={one} />
            {one.open > 0 && <Stragglers one={one} />}
            <section className="sheet" aria-label={t('facts.selection')}>
              <About one={one} />
            </section>
          </>
        )}
      </Asked>
    </Stack>
  )
}

function Done({ one }: { one: Replacement }) {
  const { t } = useTranslation('replacements')
  const counts = one.by_state as Record<string, number>
  const took = one.last_seen_at ? Date.parse(one.last_seen_at) - Date.parse(one.started_at) : 0
  return (
    <section className="sheet" aria-label={t('progress')}>
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2}>{t('progress')}</Title>
          <Text fw={600} aria-live="polite">
            {t('progressSay', { done: doneOf(one), all: one.orders })}
          </Text>
        </Group>
        <Progress.Root size="lg">
          {SECTIONS.map(([state, color]) => (
            <Progress.Section
              key={state}
              value={(100 * (counts[state] ?? 0)) / one.orders}
              color={color}
              aria-label={t(`state.${state}`)}
            />
          ))}
        </Progress.Root>
        <Facts
          facts={STATES.filter((state) => counts[state]).map((state) => [t(`state.${state}`), counts[state]] as const)}
        />
        {one.status === 'completed' && took > 0 && <Text>{t('took', { span: span(took) })}</Text>}
      </Stack>
    </section>
  )
}

function Clocks({ one }: { one: Replacement }) {
  const { t } = useTranslation('replacements')
  const [now, setNow] = useState(Date.now)
  const { start, stop } = useInterval(() => setNow(Date.now()), 1_000)
  const running = one.status !== 'completed'
  useEffect(() => {
    if (running) start()
    return stop
  }, [running, start, stop])
  return (
    <section className="sheet" aria-label={t('clocks')}>
      <Stack gap="sm">
        <Title order={2}>{t('clocks')}</Title>
        {CLOCKS.map((which) => {
          const clock = clockOf(one, which, now)
          const time = span(clock.milliseconds)
          const said =
            clock.state === 'running'
              ? t('left', { span: time })
              : clock.state === 'over'
                ? t('over', { span: time })
                : t('keptText', { span: time })
          return (
            <div key={which}>
              <Group justify="space-between" gap="xs">
                <Text fw={600}>{t(`clock.${which}`)}</Text>
                <Text size="sm" c={clock.state === 'over' ? 'vermilion' : undefined}>
                  <Moment at={one[which]} /> · {said}
                </Text>
              </Group>
              <Progress
                value={clock.percent}
                size="sm"
                color={clock.state === 'over' ? 'vermilion' : clock.state === 'kept' ? 'pine' : 'ochre'}
                aria-label={`${t(`clock.${which}`)}: ${said}`}
              />
            </div>
          )
        })}
        <Text size="sm" c="dimmed">
          {t('clockText')}
        </Text>
      </Stack>
    </section>
  )
}

function About({ one }: { one: Replacement }) {
  const { t } = useTranslation(['replacements', 'sentences'])
  const { selection } = one
  const selected = [
    selection.everything && t('selected.everything'),
    selection.issuer && t('selected.issuer', { value: selection.issuer }),
    selection.key_type && t('selected.key_type', { value: selection.key_type }),
    (selection.serials ?? []).length > 0 && t('selected.serials', { count: (selection.serials ?? []).length }),
  ].filter(Boolean)
  const seen = (one.by_state as Record<string, number>).seen ?? 0
  return (
    <Facts
      facts={[
        [t('facts.started'), <Moment key="at" at={one.started_at} precision="second" />],
        [t('facts.selection'), selected.join(', ')],
        [t('facts.orders'), one.orders],
        [t('facts.sites'), one.sites],
        [
          t('facts.revoked'),
          one.revocation_reason &&
            t('revokedOf', {
              count: one.revoked,
              all: seen,
              reason: t(`sentences:word.reason.${one.revocation_reason}`),
            }),
        ],
      ]}
    />
  )
}

function Actions({ one }: { one: Replacement }) {
  const { t } = useTranslation('replacements')
  const { customer, can, permissions } = useSession()
  const [asking, setAsking] = useState<string | null>(null)
  const [busy, setBusy] = useState('')
  const failed = (one.by_state as Record<string, number>).failed ?? 0
  if (!(customer ? can('create_order') : permissions.includes('operator'))) return null
  const act = async (action: string) => {
    setBusy(action)
    try {
      const sent = { path: { replacement_id: one.replacement_id }, body: { action } }
      if (customer) await send('post', '/api/v1/replacements/{replacement_id}/actions', sent)
      else await send('post', '/api/v1/operator/replacements/{replacement_id}/actions', sent)
      await queryClient.invalidateQueries({
        predicate: ({ queryKey }) => String(queryKey[0]).startsWith('/api/v1/replacements'),
      })
    } finally {
      setBusy('')
    }
  }
  const offered = one.actions.filter((action) => action !== 'retry' || failed > 0)
  return (
    <Group gap="xs">
      {offered.map((action) => (
        <Button
          key={action}
          size="xs"
          variant="default"
          loading={busy === action}
          onClick={() => (action === 'cancel' || action === 'revoke_old' ? setAsking(action) : void act(action))}
        >
          {t(`action.${action}`)}
        </Button>
      ))}
      <Confirm
        opened={asking !== null}
        onClose={() => setAsking(null)}
        title={t(`action.${asking ?? 'cancel'}`)}
        verb={t(`action.${asking ?? 'cancel'}`)}
        typed={asking === 'revoke_old' ? t('confirm.word') : undefined}
        onConfirm={() => act(asking ?? '')}
      >
        {t(`confirm.${asking ?? 'cancel'}`)}
      </Confirm>
    </Group>
  )
}
