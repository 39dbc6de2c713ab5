// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Text, TextInput } from '@mantine/core'
import { IconDiscount2 } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { money } from '@/ui/format'
import type { Quoting } from './useQuote'

interface VoucherFieldProps {
  /** The code that the price is asked with; empty for none. */
  code: string
  onCode: (code: string) => void
  /** Why the last code was taken out again. */
  refused: string | null
  quote: Quoting
}

/** A voucher takes effect when it is applied; what it saves is told, and it can be taken out again. */
export function VoucherField({ code, onCode, refused, quote }: VoucherFieldProps) {
  const { t } = useTranslation('buy')
  const [typed, setTyped] = useState(code)
  const [missing, setMissing] = useState(false)
  const fresh = quote.fresh
  if (code && fresh?.voucher)
    return (
      <Group gap="xs" role="status">
        <IconDiscount2 size={18} aria-hidden />
        <Text size="sm" className="wrap">
          {t('voucherSaves', { code: fresh.voucher, amount: money(fresh.discount, fresh.currency) })}
        </Text>
        <Button size="xs" variant="default" onClick={() => onCode('')}>
          {t('voucherRemove')}
        </Button>
      </Group>
    )
  const apply = () => {
    setMissing(typed.trim() === '')
    if (typed.trim() !== '') onCode(typed.trim())
  }
  return (
    <Group gap="xs" align="flex-start" wrap="nowrap" maw={420}>
      <TextInput
        style={{ flex: 1 }}
        label={t('voucher')}
        description={t('voucherHint')}
        autoComplete="off"
        spellCheck={false}
        value={typed}
        error={missing ? t('voucherMissing') : code === '' ? refused : undefined}
        onChange={(event) => {
          setTyped(event.currentTarget.value)
          setMissing(false)
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return
          // Enter would go on to the wizard's own button, which places the order.
          event.preventDefault()
          apply()
        }}
      />
      <Button variant="default" mt={39} loading={code !== ''} onClick={apply}>
        {t('voucherApply')}
      </Button>
    </Group>
  )
}
