// SPDX-License-Identifier: Apache-2.0
// What the dated rules will ask of the account until a day: how many certificates and proofs, when, and for how much.
import { Group, NativeSelect, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconTimeline } from '@tabler/icons-react'
import { lazy, Suspense, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSearchParams } from 'react-router'
import { type Schemas, useApi } from '@/api/client'
import { day } from '@/ui/format'
import { Asked, Empty } from '@/ui/Says'
import { EFFORTS, labels, untils, yearsOf } from './effort'
import { Figures } from './Figures'
import { OrdersDue } from './OrdersDue'
import { Rules } from './Rules'
import { StepsDialog } from './StepsDialog'

const Bars = lazy(() => import('@/ui/Bars'))
type Forecast = Schemas['ForecastView']

export default function ForecastPage() {
  const { t } = useTranslation('forecast')
  const [parameters, setParameters] = useSearchParams()
  const choices = useMemo(() => untils(new Date()), [])
  const asked = parameters.get('until') ?? ''
  const until = choices.includes(asked) ? asked : '2029-12-31'
  const [viewed, setViewed] = useState<string | null>(null)
  const found = useApi('/api/v1/orders/forecast', { query: { until } }, { keepPrevious: true })
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <Title order={1}>{t('title')}</Title>
        <NativeSelect
          label={t('until')}
          value={until}
          data={choices.map((one) => ({ value: one, label: day(one) }))}
          onChange={(event) => setParameters({ until: event.currentTarget.value }, { replace: true })}
        />
      </Group>
      <Asked query={found}>
        {(forecast) => (
          <>
            <Text size="sm" c="dimmed">
              {t('intro', { document: forecast.document })}
            </Text>
            {forecast.orders_total === 0 ? (
              <Empty icon={IconTimeline} title={t('empty')} text={t('emptyText')} />
            ) : (
              <Effort forecast={forecast} />
            )}
            <Rules forecast={forecast} />
            {forecast.orders_total > 0 && <OrdersDue forecast={forecast} onView={setViewed} />}
          </>
        )}
      </Asked>
      {viewed && <StepsDialog orderId={viewed} until={until} onClose={() => setViewed(null)} />}
    </Stack>
  )
}

function Effort({ forecast }: { forecast: Forecast }) {
  const { t, i18n } = useTranslation('forecast')
  const groups = useMemo(() => labels(forecast.months, i18n.language), [forecast, i18n.language])
  const series = useMemo(
    () => EFFORTS.map(({ key, color }) => ({ color, values: forecast.months.map(({ effort }) => effort[key]) })),
    [forecast],
  )
  const years = yearsOf(forecast.months)
  const said = years.map(({ year, effort }) => t('barsSay', { year, ...effort })).join(' ')
  return (
    <section className="sheet" aria-label={t('effort')}>
      <Title order={2}>{t('effort')}</Title>
      <Suspense fallback={<Skeleton h={168} />}>
        <Bars groups={groups} series={series} stacked label={`${t('bars')} ${said}`} />
      </Suspense>
      <Figures forecast={forecast} years={years} />
    </section>
  )
}
