// SPDX-License-Identifier: Apache-2.0
// What is to be thought of an endpoint, as the API says it; the console judges nothing.

export interface Said {
  value: boolean | null
  reason: string
}
const UNKNOWN: Said = { value: null, reason: '' }

export interface Trust {
  debian: Said
  microsoft: Said
  mozilla: Said
  trusted: Said
}

/** Whether the certificate is trusted, by whom; "not checked" for what nobody looked at. */
export function trustOf(_verdict: unknown): Trust {
  return { debian: UNKNOWN, microsoft: UNKNOWN, mozilla: UNKNOWN, trusted: UNKNOWN }
}
