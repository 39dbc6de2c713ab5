// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { EMPTY_VOUCHER, midnight, toVoucher, whole } from './fields'

test('A number is digits only', () => {
  expect(['7', ' 20 ', '', '-1', '1.5', '1e3', '٣'].map(whole)).toEqual([7, 20, null, null, null, null, null])
})

test('The last day of a voucher counts whole, over the end of a month too', () => {
  expect(midnight('2026-12-31', 1)).toBe(new Date(2027, 0, 1).toISOString())
  expect(midnight('')).toBeNull()
})

test('Either a percentage or an amount is sent', () => {
  const twenty = { ...EMPTY_VOUCHER, code: ' spring-26 ', value: '20' }
  expect(toVoucher(twenty, 'USD')).toMatchObject({ code: 'spring-26', percent: 20, amount: null, max_uses: null })
  expect(toVoucher({ ...twenty, kind: 'amount' }, 'USD')).toMatchObject({ percent: null, amount: 2000 })
})
