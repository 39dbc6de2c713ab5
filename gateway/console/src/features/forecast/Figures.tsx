// SPDX-License-Identifier: Apache-2.0
import { Table } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { money } from '@/ui/format'
import { EFFORTS } from './effort'

interface FiguresProps {
  forecast: Schemas['ForecastView']
  years: readonly { year: string; effort: Schemas['Effort'] }[]
}

/** The bars as figures, by year, with what the renewals cost by today's price list. */
export function Figures({ forecast, years }: FiguresProps) {
  const { t } = useTranslation('forecast')
  const row = (name: string, effort: Schemas['Effort']) => (
    <tr key={name}>
      <th scope="row">{name}</th>
      {EFFORTS.map(({ key }) => (
        <td key={key}>{effort[key]}</td>
      ))}
      <td>{forecast.currency ? money(effort.cost, forecast.currency) : '–'}</td>
    </tr>
  )
  return (
    <Table.ScrollContainer minWidth={560} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <table className="figures" data-wide>
        <caption>{forecast.unpriced > 0 ? t('unpriced', { count: forecast.unpriced }) : t('figures')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('year')}</th>
            {EFFORTS.map(({ key, color }) => (
              <th key={key} scope="col">
                <span className="figures-mark" data-color={color} aria-hidden />
                {t(`count.${key}`)}
              </th>
            ))}
            <th scope="col">{t('cost')}</th>
          </tr>
        </thead>
        <tbody>
          {years.map(({ year, effort }) => row(year, effort))}
          {row(t('all'), forecast.total)}
        </tbody>
      </table>
    </Table.ScrollContainer>
  )
}
