// SPDX-License-Identifier: Apache-2.0
// The judgement of a check as shared/checker makes it; the API hands it on as it is.
import type { Schemas } from '@/api/client'

export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info', 'good'] as const

export interface Finding {
  code: string
  severity: (typeof SEVERITIES)[number]
  text: string
  values: Record<string, string>
  cures: Record<string, string>
}

interface Row {
  code: string
  value: string
  checked: boolean
  reason: string
}

export interface Stamp {
  log: string
  log_id: string
  source: 'embedded' | 'tls' | 'ocsp'
  state: 'valid' | 'invalid' | 'unknown_log' | 'retired_log' | 'unchecked'
  at: string
}

export interface CAA {
  name: string
  at: string
  records: string[]
  allows: boolean | null
}

export interface Verdict {
  grade: string
  grading: { letter: string; rule: string; words: string; score: number }
  rows: Row[]
  findings: Finding[]
  /** Not there in verdicts of older versions. */
  stamps?: Stamp[]
  caa?: CAA | null
}

export function verdictOf(check: Schemas['CheckView']): Verdict | null {
  return check.verdict as Verdict | null
}

export function rowOf(verdict: Verdict | null, code: string): Row | undefined {
  return verdict?.rows.find((one) => one.code === code)
}

/** yes, no, or null where nobody looked. */
export function answerOf(verdict: Verdict | null, code: string): boolean | null {
  const row = rowOf(verdict, code)
  return row?.checked ? row.value === 'yes' : null
}
