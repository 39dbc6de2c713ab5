// SPDX-License-Identifier: Apache-2.0
import { EMPTY_DETAILS } from './account'

export const EMPTY_ORDER = {
  product: '',
  term_years: 1,
  common_name: '',
  more: '',
  dcv_method: 'http_csr_hash',
  organization: EMPTY_DETAILS,
  voucher: '',
  agreed: false,
}
export type OrderValues = typeof EMPTY_ORDER

/** The names in the order they were typed, the common name first, each once. */
export function namesOf(commonName: string, more: string): string[] {
  const typed = [commonName, ...more.split(/[\s,;]+/)].map((name) => name.trim().toLowerCase())
  return [...new Set(typed.filter((name) => name !== ''))]
}

export const STEPS = ['type', 'names', 'account', 'agreement', 'summary'] as const

/** The step of the wizard in which a field stands. */
export function stepOf(field: string): (typeof STEPS)[number] {
  if (field.startsWith('organization')) return 'account'
  if (field === 'product' || field === 'term_years') return 'type'
  if (field === 'agreed') return 'agreement'
  return field === 'common_name' || field === 'more' || field === 'dcv_method' ? 'names' : 'summary'
}
