// SPDX-License-Identifier: Apache-2.0
import { Loader, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { money } from '@/ui/format'
import type { Quoting } from './useQuote'

interface SummaryProps {
  product: Schemas['Product'] | undefined
  quote: Quoting
  method: string
  names: readonly string[]
  years: number
}

/** The box with type and cost; it follows what is typed. */
export function Summary({ product, quote, names, years }: SummaryProps) {
  const { t } = useTranslation('buy')
  return (
    <aside className="sheet" aria-label={t('summary')}>
      <Stack gap="xs" aria-live="polite">
        <Title order={2}>{t('summary')}</Title>
        {!product && <Text c="dimmed">{t('summaryEmpty')}</Text>}
        {product && <Text fw={600}>{product.name}</Text>}
        {product && <Text size="sm">{t('years', { count: years })}</Text>}
        {names.map((name) => (
          <Text key={name} size="sm" className="wrap">
            <bdi>{name}</bdi>
          </Text>
        ))}
        {quote.asking && <Loader size="xs" />}
        {quote.fresh?.lines.map((line) => (
          <div key={line.text} className="sum-line">
            <span className="wrap">{line.text}</span>
            <span className="number">{money(line.amount, quote.fresh?.currency ?? 'USD')}</span>
          </div>
        ))}
        {quote.fresh && (
          <div className="sum-line sum-total">
            <span>{t('total')}</span>
            <span className="number">{money(quote.fresh.total, quote.fresh.currency)}</span>
          </div>
        )}
      </Stack>
    </aside>
  )
}
