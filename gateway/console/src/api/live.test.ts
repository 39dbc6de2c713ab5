// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { grownOld, parse } from './live'

const event = parse(
  JSON.stringify({ id: '1', type: 'certwright.dcv.DCVPassed.v1', subject: 'a', data: { order_id: 'one' } }),
)

test('An event is told by its publisher and name', () => {
  expect(event.type).toBe('dcv.DCVPassed')
})

test.each([
  [['/api/v1/orders/{order_id}/authorizations', { order_id: 'one' }], true],
  [['/api/v1/orders/{order_id}/authorizations', { order_id: 'two' }], false],
  [['/api/v1/orders', {}, { status: 'issued' }], true],
  [['/api/v1/balance', {}], false],
  [['/api/v1/orders.csv', {}], false],
])('%j grows old by it: %s', (key, old) => {
  expect(grownOld(key, event)).toBe(old)
})
