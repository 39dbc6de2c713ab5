// SPDX-License-Identifier: Apache-2.0
import type { Schemas } from '@/api/client'

type Effort = Schemas['Effort']
type Month = Schemas['ForecastMonth']

/** What the bars and the table count, from the bottom of a bar to its top. */
export const EFFORTS = [
  { key: 'reissues', color: '--cw-own' },
  { key: 'renewals', color: '--cw-self-signed' },
  { key: 'validations', color: '--cw-other' },
  { key: 'organization_validations', color: '--mantine-color-dimmed' },
] as const

const NONE: Effort = { reissues: 0, renewals: 0, validations: 0, organization_validations: 0, cost: 0 }

/** The ends of this year and those after it, as far as rules are known. */
export function untils(now: Date): string[] {
  const first = now.getUTCFullYear() + 1
  return Array.from({ length: 5 }, (_, index) => `${first + index}-12-31`)
}

/** The months added up by calendar year. */
export function yearsOf(months: readonly Month[]): { year: string; effort: Effort }[] {
  const found = new Map<string, Effort>()
  for (const { month, effort } of months) {
    const year = month.slice(0, 4)
    const sum = { ...(found.get(year) ?? NONE) }
    for (const key of Object.keys(NONE) as (keyof Effort)[]) sum[key] += effort[key]
    found.set(year, sum)
  }
  return [...found].map(([year, effort]) => ({ year, effort }))
}

/** What stands below the bars: the month, and its year where one begins. */
export function labels(months: readonly Month[], language: string): string[] {
  const style = new Intl.DateTimeFormat(language, { month: 'short', timeZone: 'UTC' })
  return months.map(({ month }, index) => {
    const name = style.format(new Date(`${month}-01T00:00:00Z`))
    return index === 0 || month.endsWith('-01') ? `${name} ${month.slice(0, 4)}` : name
  })
}
