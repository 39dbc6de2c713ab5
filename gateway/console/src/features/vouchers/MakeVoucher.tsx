// SPDX-License-Identifier: Apache-2.0
import { Checkbox, Group, Radio, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { type Schemas, useCommand } from '@/api/client'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'
import { minorUnits } from '@/ui/format'
import { EMPTY_VOUCHER, toVoucher, type VoucherValues, whole } from './fields'

interface MakeVoucherProps {
  products: readonly Schemas['Product'][]
  onClose: () => void
}

/** A new voucher. What is left empty does not limit it. */
export function MakeVoucher({ products, onClose }: MakeVoucherProps) {
  const { t } = useTranslation(['vouchers', 'ui'])
  const currency = products[0]?.currency ?? 'USD'
  const make = useCommand('post', '/api/v1/operator/vouchers', ['/api/v1/operator/vouchers'])
  const { form, problem, sending, submit } = useApiForm<VoucherValues>({
    initial: EMPTY_VOUCHER,
    places: {
      '/percent': 'value',
      '/amount': 'value',
      '/max_uses': 'uses',
      '/valid_from': 'from',
      '/valid_until': 'until',
    },
    check: {
      code: (text: string) => (text.trim() === '' ? t('codeMissing') : null),
      value: (text: string, { kind }: VoucherValues) =>
        (kind === 'percent' ? whole(text) : minorUnits(text, currency)) === null ? t(`wrong.${kind}`) : null,
      uses: (text: string) => (text.trim() !== '' && whole(text) === null ? t('wrong.uses') : null),
    } as never,
    send: async (values) => {
      await make.mutateAsync({ body: toVoucher(values, currency) })
      onClose()
    },
  })
  const kind = form.values.kind
  return (
    <FormDialog title={t('make')} form={{ problem, sending, submit }} verb={t('submit')} size="lg" onClose={onClose}>
      <TextInput
        label={t('code')}
        description={t('codeHint')}
        withAsterisk
        autoComplete="off"
        spellCheck={false}
        data-autofocus
        {...form.getInputProps('code')}
      />
      <Radio.Group label={t('kind')} {...form.getInputProps('kind')}>
        <Group mt={4}>
          <Radio value="percent" label={t('percent')} />
          <Radio value="amount" label={t('amount', { currency })} />
        </Group>
      </Radio.Group>
      <TextInput
        label={t(kind === 'percent' ? 'percentValue' : 'amountValue', { currency })}
        withAsterisk
        inputMode="decimal"
        autoComplete="off"
        {...form.getInputProps('value')}
      />
      <div className="two-columns">
        <TextInput type="date" label={t('from')} {...form.getInputProps('from')} />
        <TextInput type="date" label={t('until')} {...form.getInputProps('until')} />
      </div>
      <TextInput
        label={t('most')}
        description={t('mostHint')}
        inputMode="numeric"
        autoComplete="off"
        {...form.getInputProps('uses')}
      />
      <Checkbox.Group label={t('products')} description={t('productsHint')} {...form.getInputProps('products')}>
        <div className="two-columns" style={{ marginTop: 8 }}>
          {products.map((product) => (
            <Checkbox key={product.code} size="xs" value={product.code} label={product.name} />
          ))}
        </div>
      </Checkbox.Group>
      <TextInput label={t('note')} autoComplete="off" {...form.getInputProps('note')} />
    </FormDialog>
  )
}
