// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { fromNow, minorUnits, money, unicodeName } from './format'

test.each([
  ['10', 'USD', 1000],
  ['10.5', 'USD', 1050],
  ['10,05', 'EUR', 1005],
  ['0.01', 'USD', 1],
  ['7', 'JPY', 7],
  ['7.5', 'JPY', null],
  ['10.005', 'USD', null],
  ['-1', 'USD', null],
  ['1e3', 'USD', null],
  ['', 'USD', null],
  ['١٠', 'USD', null],
])('%s %s are %s minor units', (text, currency, minor) => {
  expect(minorUnits(text, currency)).toBe(minor)
})

test('Money has thousands separators and its currency', () => {
  expect(money(123456, 'USD')).toBe('$1,234.56')
  expect(money(1234, 'JPY')).toBe('¥1,234')
})

test.each([
  ['xn--bcher-kva.example', 'bücher.example'],
  ['www.xn--fsqu00a.xn--0zwm56d', 'www.例子.测试'],
  ['plain.example', null],
  ['xn--!!!.example', 'xn--!!!.example'],
])('%s reads %s', (ascii, unicode) => {
  expect(unicodeName(ascii)).toBe(unicode)
})

test('A moment is told from now', () => {
  expect(fromNow('2026-11-28T00:00:00Z', Date.parse('2026-11-25T00:00:00Z'))).toBe('in 3 days')
})
