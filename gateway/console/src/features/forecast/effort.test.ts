// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { labels, untils, yearsOf } from './effort'

const month = (name: string, reissues: number, cost = 0) => ({
  month: name,
  effort: { reissues, renewals: 1, validations: 2, organization_validations: 0, cost },
})

test('months are added up by year, in their order', () => {
  const found = yearsOf([month('2026-12', 1, 100), month('2027-01', 2, 50), month('2027-02', 3)])
  expect(found.map((one) => one.year)).toEqual(['2026', '2027'])
  expect(found[1]?.effort).toEqual({ reissues: 5, renewals: 2, validations: 4, organization_validations: 0, cost: 50 })
})

test('the year stands where it begins', () => {
  const months = [month('2026-12', 0), month('2027-01', 0), month('2027-02', 0)]
  expect(labels(months, 'en')).toEqual(['Dec 2026', 'Jan 2027', 'Feb'])
})

test('the choices are the ends of the next years', () => {
  expect(untils(new Date('2026-11-26T00:00:00Z'))[2]).toBe('2029-12-31')
})
