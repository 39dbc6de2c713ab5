// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { behind, since } from './lag'

test('The oldest thing that waits counts, not the longest queue', () => {
  const lags = [
    { name: 'relay', events: 0, seconds: 0 },
    { name: 'a < orders', events: 900, seconds: 3 },
    { name: 'b < orders', events: 1, seconds: 60 },
  ]
  expect(behind(lags)).toEqual({ events: 1, seconds: 60, where: 'b < orders' })
  expect(behind([])).toEqual({ events: 0, seconds: 0, where: '' })
})

test('A length of time is told in one unit', () => {
  expect([0.25, 90, 600, 10_000, 400_000].map(since)).toEqual([
    '0.3 seconds',
    '90 seconds',
    '10 minutes',
    '3 hours',
    '5 days',
  ])
})
