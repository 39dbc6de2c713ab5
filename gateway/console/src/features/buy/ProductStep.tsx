// SPDX-License-Identifier: Apache-2.0
import { NativeSelect, Radio, Stack, Text } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi } from '@/api/client'
import { day, money } from '@/ui/format'
import type { OrderValues } from './fields'

interface ProductStepProps {
  products: readonly Schemas['Product'][]
  form: UseFormReturnType<OrderValues>
}

/** Category, product, term and currency. */
export function ProductStep({ products, form }: ProductStepProps) {
  const { t } = useTranslation('buy')
  const chosen = products.find((one) => one.code === form.values.product)
  const [category, setCategory] = useState(chosen?.validation_level === 'EV' ? 'EV' : 'DV')
  const shown = products.filter((one) => (category === 'EV') === (one.validation_level === 'EV'))
  return (
    <Stack>
      <Radio.Group label={t('productName')} value={category} onChange={setCategory}>
        <Stack gap={6} mt={4}>
          <Radio value="EV" label={t('category.EV')} />
          <Radio value="DV" label={t('category.DV')} />
        </Stack>
      </Radio.Group>
      <NativeSelect
        label={t('type')}
        withAsterisk
        value={form.values.product}
        error={form.errors.product}
        onChange={(event) => {
          const product = products.find((each) => each.code === event.currentTarget.value)
          form.setValues({ product: event.currentTarget.value, term_years: product?.terms[0]?.years ?? 1 })
          if (product?.form === 'wildcard') form.setFieldValue('dcv_method', 'cname_csr_hash')
        }}
        data={[{ value: '', label: t('chooseType') }, ...shown.map((each) => ({ value: each.code, label: each.name }))]}
      />
      {chosen && (
        <>
          <Text size="sm" c="dimmed">
            {chosen.description}
          </Text>
          <Radio.Group
            label={t('term')}
            value={String(form.values.term_years)}
            onChange={(value) => form.setFieldValue('term_years', Number(value))}
          >
            <Stack gap={6} mt={4}>
              {chosen.terms.map((term) => (
                <Radio
                  key={term.years}
                  value={String(term.years)}
                  label={t('perYear', { count: term.years, price: money(term.per_year, chosen.currency) })}
                  description={term.saves_percent > 0 ? t('saves', { percent: term.saves_percent }) : undefined}
                />
              ))}
            </Stack>
          </Radio.Group>
          <NativeSelect label={t('currency')} data={[chosen.currency]} />
          <Lifetime />
        </>
      )}
    </Stack>
  )
}

/** How long one certificate of the term lasts, by the dated rules as the API knows them. */
function Lifetime() {
  const { t } = useTranslation('buy')
  const rules = useApi('/api/v1/rules', {}, { staleTime: 3_600_000 })
  if (!rules.data) return null
  const coming = rules.data.validity.slice(1)
  return (
    <Text size="sm">
      {t('lifetime', { count: rules.data.validity_days })}{' '}
      {coming.map((limit) => t('lifetimeLater', { count: limit.days, since: day(limit.since) })).join(' ')}{' '}
      <Text span size="xs" c="dimmed">
        {t('lifetimeSource', { document: rules.data.document, source: rules.data.validity[0]?.source })}
      </Text>
    </Text>
  )
}
