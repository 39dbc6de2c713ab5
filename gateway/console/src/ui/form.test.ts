// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { fieldOf } from './form'

const values = { company: { name: '' }, names: ['a'], email: '' }

test.each([
  ['/company/name', 'company.name'],
  ['/names/0', 'names'],
  ['/email', 'email'],
  ['/strange', null],
  ['/company/strange', null],
  ['/quote_id', 'email'],
])('%s is about the field %s', (pointer, field) => {
  expect(fieldOf(pointer, values, { '/quote_id': 'email' })).toBe(field)
})
