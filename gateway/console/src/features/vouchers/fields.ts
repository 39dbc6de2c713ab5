// SPDX-License-Identifier: Apache-2.0
import type { Body } from '@/api/client'
import { minorUnits } from '@/ui/format'

export const EMPTY_VOUCHER = {
  code: '',
  kind: 'percent' as 'percent' | 'amount',
  value: '',
  products: [] as string[],
  from: '',
  until: '',
  uses: '',
  note: '',
}
export type VoucherValues = typeof EMPTY_VOUCHER

/** A positive whole number that a person typed, or null. */
export function whole(text: string): number | null {
  return /^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : null
}

/** The beginning of a calendar day in the reader's zone, `later` days after it; null for none. */
export function midnight(day: string, later = 0): string | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day)
  if (!parts) return null
  return new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + later).toISOString()
}

/** What is sent for the form. The last day counts whole. */
export function toVoucher(values: VoucherValues, currency: string): Body<'/api/v1/operator/vouchers', 'post'> {
  return {
    code: values.code.trim(),
    percent: values.kind === 'percent' ? whole(values.value) : null,
    amount: values.kind === 'amount' ? minorUnits(values.value, currency) : null,
    products: values.products,
    valid_from: midnight(values.from),
    valid_until: midnight(values.until, 1),
    max_uses: values.uses.trim() === '' ? null : whole(values.uses),
    note: values.note.trim(),
  }
}
