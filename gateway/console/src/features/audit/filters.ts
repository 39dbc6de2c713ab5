// SPDX-License-Identifier: Apache-2.0
// What of the log is asked for: the filters of the URL as the API takes them.
import type { TableState } from '@/ui/tableState'

export const PUBLISHERS = ['accounts', 'orders', 'dcv', 'billing', 'ca', 'installer', 'discovery', 'alerts'] as const
const DAY = /^\d{4}-\d{2}-\d{2}$/

/** Days are the reader's own: a day ends where the next one begins, also when the clocks change. */
export function asked({ search, filters }: Pick<TableState, 'search' | 'filters'>): Record<string, string> {
  const { actor, people, type, from, to } = filters
  return Object.fromEntries(
    Object.entries({
      search,
      actor,
      people: people ? 'true' : '',
      type,
      since: begin(from, 0),
      until: begin(to, 1),
    }).filter((pair): pair is [string, string] => Boolean(pair[1])),
  )
}

/** A day as a date field takes it, or none. */
export function day(text: string | undefined): string {
  return begin(text, 0) ? (text ?? '') : ''
}

function begin(text: string | undefined, later: number): string {
  if (!text || !DAY.test(text)) return ''
  const at = new Date(`${text}T00:00:00`)
  at.setDate(at.getDate() + later)
  return Number.isNaN(at.getTime()) || at.getFullYear() > 9999 ? '' : at.toISOString()
}

/** The change of filters for a choice of "By". */
export function who(chosen: string): Record<string, string> {
  return chosen === 'people' ? { people: '1', actor: '' } : { people: '', actor: chosen }
}
