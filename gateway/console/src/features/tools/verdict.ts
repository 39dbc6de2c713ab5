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
}

export interface Verdict {
  grade: string
  grading: { letter: string; rule: string; words: string; score: number }
  rows: Row[]
  findings: Finding[]
}

export function verdictOf(check: Schemas['CheckView']): Verdict | null {
  return check.verdict as Verdict | null
}

/** yes, no, or null where nobody looked. */
export function answerOf(verdict: Verdict | null, code: string): boolean | null {
  const row = verdict?.rows.find((one) => one.code === code)
  return row?.checked ? row.value === 'yes' : null
}
