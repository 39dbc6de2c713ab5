// SPDX-License-Identifier: Apache-2.0
import type { Schemas } from '@/api/client'
import { currentLanguage } from '@/i18n'

/** The reader that is furthest behind, by the age of what it has not read yet. */
export function behind(lags: readonly Schemas['Lag'][]): { events: number; seconds: number; where: string } {
  const waiting = lags.filter((one) => one.events > 0)
  const worst = waiting.reduce<Schemas['Lag'] | null>(
    (found, one) => (found === null || one.seconds > found.seconds ? one : found),
    null,
  )
  return { events: worst?.events ?? 0, seconds: worst?.seconds ?? 0, where: worst?.name ?? '' }
}

/** A length of time in its largest whole unit. */
export function since(seconds: number): string {
  const [value, unit] =
    seconds >= 172_800
      ? [seconds / 86_400, 'day']
      : seconds >= 7_200
        ? [seconds / 3_600, 'hour']
        : seconds >= 120
          ? [seconds / 60, 'minute']
          : [seconds, 'second']
  return new Intl.NumberFormat(currentLanguage(), {
    style: 'unit',
    unit,
    unitDisplay: 'long',
    maximumFractionDigits: unit === 'second' && seconds < 10 ? 1 : 0,
  }).format(value)
}
