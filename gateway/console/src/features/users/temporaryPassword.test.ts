// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { passwordRules } from '@/features/sign-up/passwordRules'
import { temporaryPassword } from './temporaryPassword'

test('Every password keeps the rule and none comes twice', () => {
  const made = Array.from({ length: 200 }, temporaryPassword)
  expect(new Set(made).size).toBe(made.length)
  for (const one of made) {
    expect(passwordRules(one)).toMatchObject({ length: true, noLeadingSpace: true, classes: true })
    expect(one).toMatch(/^[A-Za-z2-9]{5}(-[A-Za-z2-9]{5}){3}$/)
    expect(one).not.toMatch(/[0OIl1o]/)
  }
})
