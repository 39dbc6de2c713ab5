// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { passwordRules } from './passwordRules'

const good = (password: string) => {
  const rules = passwordRules(password)
  return rules.length && rules.noLeadingSpace && rules.classes
}

test.each([
  ['Abc-123', false],
  ['Abcd-1234', true],
  [' Abcd-1234', false],
  ['abcd1234', false],
  ['abcdef-1', true],
  ['äbcdefg1', true],
  ['', false],
])('%j is good enough: %s', (password, expected) => {
  expect(good(password)).toBe(expected)
})
