// SPDX-License-Identifier: Apache-2.0
// "Expiring certificates": bars, and the same figures as a table whose numbers narrow the list below (guide §10).
import { Anchor, Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import { lazy, Suspense, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi } from '@/api/client'
import { useConsole } from '@/app/useConsole'
import { ProblemAlert } from '@/ui/Says'
import type { TableState } from '@/ui/tableState'
import { KINDS, type Kind, ONLY } from './kind'

const Bars = lazy(() => import('@/ui/Bars'))
type Count = Schemas['ExpiringCount']

export function Expiring({ state }: { state: TableState }) {
  const { t } = useTranslation('certificates')
  const found = useApi('/api/v1/certificates/expiring', {}, { keepPrevious: true })
  const counts = useMemo(() => found.data?.items ?? [], [found.data])
  const groups = useMemo(() => counts.map((one) => t('withinShort', { count: one.days })), [counts, t])
  const series = useMemo(
    () => KINDS.map((kind) => ({ color: `--cw-${kind.replace('_', '-')}`, values: counts.map((one) => one[kind]) })),
    [counts],
  )
  if (found.error && !found.data) return <ProblemAlert problem={found.error} again={() => found.refetch()} />
  const any = counts.some((one) => KINDS.some((kind) => one[kind] > 0))
  if (found.data && !any) return null
  const choose = (days: number, kind: Kind) =>
    state.set({ ...ONLY[kind], expires_within_days: days, expired: 'false', search: null, server_id: null })
  const said = counts
    .map((one) => t('barsSay', { days: one.days, own: one.own, self_signed: one.self_signed, other: one.other }))
    .join(' ')
  return (
    <section className="sheet expiring" aria-label={t('expiring')}>
      <Group justify="space-between" align="baseline" gap="xs">
        <Title order={2}>{t('expiring')}</Title>
        <Text size="xs" c="dimmed">
          {t('expiringNote')}
        </Text>
      </Group>
      <div className="expiring-parts">
        {found.data ? (
          <Suspense fallback={<Skeleton h={168} />}>
            <Bars
              groups={groups}
              series={series}
              label={`${t('bars')} ${said}`}
              onChoose={(group, kind) => choose(counts[group]?.days ?? 0, KINDS[kind] ?? 'own')}
            />
          </Suspense>
        ) : (
          <Skeleton h={168} />
        )}
        <Figures counts={counts} onChoose={choose} />
      </div>
    </section>
  )
}

function Figures({ counts, onChoose }: { counts: readonly Count[]; onChoose: (days: number, kind: Kind) => void }) {
  const { t } = useTranslation('certificates')
  const { ca_brand } = useConsole()
  return (
    <Stack gap={0} className="figures-place">
      <table className="figures">
        <caption>{t('figures')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('within')}</th>
            {KINDS.map((kind) => (
              <th key={kind} scope="col">
                <span className="figures-mark" data-kind={kind} aria-hidden />
                {t(`bar.${kind}`, { brand: ca_brand })}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {counts.map((one) => (
            <tr key={one.days}>
              <th scope="row">{t('days', { count: one.days })}</th>
              {KINDS.map((kind) => (
                <td key={kind}>
                  {one[kind] === 0 ? (
                    <span className="dim">0</span>
                  ) : (
                    <Anchor
                      component="button"
                      type="button"
                      size="sm"
                      aria-label={t('show', {
                        count: one[kind],
                        days: one.days,
                        kind: t(`bar.${kind}`, { brand: ca_brand }),
                      })}
                      onClick={() => onChoose(one.days, kind)}
                    >
                      {one[kind]}
                    </Anchor>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Stack>
  )
}
