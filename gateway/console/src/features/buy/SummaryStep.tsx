// SPDX-License-Identifier: Apache-2.0
// The last look before the order is placed, with the voucher and what speaks against it.
import { Alert, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi } from '@/api/client'
import { money } from '@/ui/format'
import { Facts } from '@/ui/Texts'
import { FundsMissing } from './FundsMissing'
import type { OrderValues } from './fields'
import type { Quoting } from './useQuote'
import { VoucherField } from './VoucherField'

interface SummaryStepProps {
  product: Schemas['Product'] | undefined
  values: OrderValues
  names: readonly string[]
  renews: string | null
  quote: Quoting
  /** Why the voucher was refused. */
  refused: string | null
  /** The server has just said that the deposit falls short. */
  told: boolean
  onCode: (code: string) => void
}

export function SummaryStep({ product, values, names, renews, quote, refused, told, onCode }: SummaryStepProps) {
  const { t } = useTranslation(['buy', 'validation'])
  return (
    <Stack>
      <Facts
        facts={[
          [t('product'), product?.name],
          [t('term'), t('years', { count: values.term_years })],
          [t('primary'), names[0]],
          [t('totalNames'), String(names.length)],
          [t('method'), t(`validation:method.${values.dcv_method}`)],
          [
            t('voucher'),
            quote.fresh?.voucher
              ? `${quote.fresh.voucher}: ${money(-quote.fresh.discount, quote.fresh.currency)}`
              : t('notUsed'),
          ],
          [t('total'), quote.fresh && <b key="total">{money(quote.fresh.total, quote.fresh.currency)}</b>],
        ]}
      />
      <VoucherField code={values.voucher} refused={refused} quote={quote} onCode={onCode} />
      <Duplicate names={names} renews={renews} />
      {!told && quote.fresh?.deposit && quote.fresh.funds_missing > 0 && (
        <FundsMissing missing={quote.fresh.funds_missing} currency={quote.fresh.currency} />
      )}
    </Stack>
  )
}

/** Warns when a certificate for the first name is in use already. */
function Duplicate({ names, renews }: { names: readonly string[]; renews: string | null }) {
  const { t } = useTranslation('buy')
  const name = names[0] ?? ''
  const found = useApi(
    '/api/v1/orders',
    { query: { search: name, status: 'issued,installed', limit: 20 } },
    { enabled: name !== '' && renews === null },
  )
  const same = found.data?.items.filter((one: Schemas['OrderSummary']) => one.names.includes(name)) ?? []
  if (same.length === 0) return null
  return (
    <Alert color="ochre" variant="light" role="status">
      <Text size="sm">{t('duplicate', { name, numbers: same.map((one) => one.number).join(', ') })}</Text>
    </Alert>
  )
}
