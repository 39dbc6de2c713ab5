// SPDX-License-Identifier: Apache-2.0
// The rule of alerts between its fields, which are text, and the API, which wants numbers and lists.

/** Whole numbers between commas, spaces or semicolons; null when something else stands there. */
export function numbers(text: string): number[] | null {
  const words = text.split(/[\s,;]+/).filter(Boolean)
  return words.every((word) => /^\d{1,6}$/.test(word)) ? words.map(Number) : null
}

/** E-mail addresses, one a line or between commas. */
export function addresses(text: string): string[] {
  return text
    .split(/[\n,;]+/)
    .map((one) => one.trim())
    .filter(Boolean)
}
