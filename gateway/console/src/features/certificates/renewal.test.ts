// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { kindOf, kindOfFilters, ONLY } from './kind'
import { renewalPath } from './renewal'

test.each([
  ['o1', ['save', 'renew'], '/buy?renews=o1'],
  ['o1', ['save'], '/buy?name=*.example.com'],
  ['', ['renew'], '/buy?name=*.example.com'],
])('The certificate of order "%s" that allows %o is renewed at %s', (order_id, allowed, path) => {
  expect(renewalPath({ order_id, common_name: '*.example.com' }, allowed)).toBe(path)
})

test('A name of strangers stays one parameter', () => {
  expect(renewalPath({ order_id: '', common_name: 'a&renews=b#<c>' }, [])).toBe('/buy?name=a%26renews%3Db%23%3Cc%3E')
})

test.each([
  [{ own: true, self_signed: true }, 'own'],
  [{ own: false, self_signed: true }, 'self_signed'],
  [{ own: false, self_signed: false }, 'other'],
] as const)('%o is of kind %s, and its filter says so', (certificate, kind) => {
  expect(kindOf(certificate)).toBe(kind)
  const asked = Object.entries(ONLY[kind]).filter((pair): pair is [string, string] => pair[1] !== null)
  expect(kindOfFilters(Object.fromEntries(asked))).toBe(kind)
})
