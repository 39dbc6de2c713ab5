// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { Schemas } from '@/api/client'
import { clockOf, span } from './clocks'

const START = Date.parse('2026-11-26T12:00:00Z')
const one = {
  started_at: '2026-11-26T12:00:00Z',
  due_24h: '2026-11-27T12:00:00Z',
  due_5d: '2026-12-01T12:00:00Z',
  ended_at: null,
  status: 'running',
} as Schemas['ReplacementView']

describe('a span', () => {
  it.each([
    [0, '0 s'],
    [999, '0 s'],
    [65_000, '1 min 5 s'],
    [3_600_000, '1 h 0 min'],
    [86_399_000, '23 h 59 min'],
    [5 * 86_400_000, '5 d 0 h'],
    [-5, '0 s'],
  ])('of %i ms is %s', (milliseconds, said) => expect(span(milliseconds)).toBe(said.replaceAll(' ', '\u00a0')))
})

describe('a clock', () => {
  it('runs until it is over', () => {
    expect(clockOf(one, 'due_24h', START + 6 * 3_600_000)).toEqual({
      state: 'running',
      milliseconds: 18 * 3_600_000,
      percent: 25,
    })
    expect(clockOf(one, 'due_24h', START + 25 * 3_600_000)).toMatchObject({ state: 'over', milliseconds: 3_600_000 })
    expect(clockOf(one, 'due_5d', START + 25 * 3_600_000).state).toBe('running')
  })

  it('stands still when all is done', () => {
    const done = { ...one, status: 'completed', ended_at: '2026-11-26T13:00:00Z' }
    expect(clockOf(done, 'due_24h', START + 99 * 3_600_000)).toMatchObject({
      state: 'kept',
      milliseconds: 23 * 3_600_000,
    })
  })
})
