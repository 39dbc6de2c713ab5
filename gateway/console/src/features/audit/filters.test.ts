// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { asked, who } from './filters'

test('A day is asked for from its beginning to its end', () => {
  const { since, until } = asked({ search: '', filters: { from: '2026-11-23', to: '2026-11-23' } })
  expect(new Date(until ?? '').getTime() - new Date(since ?? '').getTime()).toBe(24 * 60 * 60 * 1000)
})

test('What is no day is not asked for', () => {
  expect(asked({ search: '', filters: { from: 'soon', to: '2026-02-77', people: '' } })).toEqual({})
})

test('A person and "people only" exclude each other', () => {
  expect(who('people')).toEqual({ people: '1', actor: '' })
  expect(who('user:7')).toEqual({ people: '', actor: 'user:7' })
})
