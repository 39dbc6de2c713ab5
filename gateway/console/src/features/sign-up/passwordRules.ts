// SPDX-License-Identifier: Apache-2.0
// The password rule of the guide (§1.1), shown while one types; the server decides.

export interface PasswordRules {
  length: boolean
  noLeadingSpace: boolean
  upper: boolean
  lower: boolean
  digit: boolean
  punctuation: boolean
  other: boolean
  /** Three of the five classes. */
  classes: boolean
}

export function passwordRules(password: string): PasswordRules {
  const upper = /[A-Z]/.test(password)
  const lower = /[a-z]/.test(password)
  const digit = /[0-9]/.test(password)
  const punctuation = /[!-/:-@[-`{-~]/.test(password)
  const other = [...password].some((character) => (character.codePointAt(0) ?? 0) > 127)
  const classes = [upper, lower, digit, punctuation, other].filter(Boolean).length >= 3
  return {
    length: [...password].length >= 8,
    noLeadingSpace: password !== '' && !password.startsWith(' '),
    upper,
    lower,
    digit,
    punctuation,
    other,
    classes,
  }
}
