// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { addresses, numbers } from './rule'

test('Days may be separated as people do', () => {
  expect(numbers('30, 14;7  3\n1')).toEqual([30, 14, 7, 3, 1])
  expect(numbers('')).toEqual([])
})

test('What is no whole number is none', () => {
  for (const text of ['soon', '-3', '1.5', '٣٠', '1e3', '9'.repeat(30)]) expect(numbers(text)).toBeNull()
})

test('Addresses stand on lines or between commas', () => {
  expect(addresses(' a@example.com\n\nb@example.com, c@example.com ')).toEqual([
    'a@example.com',
    'b@example.com',
    'c@example.com',
  ])
})
