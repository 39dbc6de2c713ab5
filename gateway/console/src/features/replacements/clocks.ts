// SPDX-License-Identifier: Apache-2.0
// What is left of the two clocks, in two units: "4 d 21 h", "23 h 59 min", "2 min 5 s", never broken.
import type { Schemas } from '@/api/client'

type Replacement = Schemas['ReplacementView']
export const CLOCKS = ['due_24h', 'due_5d'] as const
const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
]

/** A span of time in its two largest units. */
export function span(milliseconds: number): string {
  let seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const first = UNITS.findIndex(([, length]) => seconds >= length)
  const from = first < 0 ? UNITS.length - 1 : first
  return UNITS.slice(from, from + 2)
    .map(([unit, length]) => {
      const count = Math.floor(seconds / length)
      seconds -= count * length
      return `${count}\u00a0${unit}`
    })
    .join('\u00a0')
}

export interface Clock {
  /** running, over, or kept: done before it ran out. */
  state: 'running' | 'over' | 'kept'
  /** Milliseconds that are left, that it is over, or that were left when all was done. */
  milliseconds: number
  /** Of its whole time, 0 to 100. */
  percent: number
}

/** How a clock stands at `now`; one of a replacement that is over stands still. */
export function clockOf(one: Replacement, which: (typeof CLOCKS)[number], now: number): Clock {
  const [start, due] = [Date.parse(one.started_at), Date.parse(one[which])]
  const done = one.status === 'completed' ? Date.parse(one.ended_at ?? '') : Number.NaN
  const at = Number.isNaN(done) ? now : done
  const percent = Math.min(100, Math.max(0, (100 * (at - start)) / (due - start)))
  if (at > due) return { state: 'over', milliseconds: now - due, percent: 100 }
  return { state: Number.isNaN(done) ? 'running' : 'kept', milliseconds: due - at, percent }
}

/** How many orders need nothing more. */
export function doneOf(one: Replacement): number {
  return one.orders - one.open
}
