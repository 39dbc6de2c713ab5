// SPDX-License-Identifier: Apache-2.0
// Money, moments and names as people read them. Times are in the reader's zone; UTC is in the title.
import { currentLanguage } from '@/i18n'

/** An amount in minor units, by the currency's own number of digits (ISO 4217). */
export function money(minor: number, currency: string): string {
  const style = new Intl.NumberFormat(currentLanguage(), {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
  })
  return style.format(minor / 10 ** (style.resolvedOptions().maximumFractionDigits ?? 2))
}

/** Minor units of an amount that a person typed, or null: digits with at most the currency's decimals. */
export function minorUnits(text: string, currency: string): number | null {
  const digits =
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
  const plain = text.trim().replace(',', '.')
  const match = /^(\d{1,9})(?:\.(\d+))?$/.exec(plain)
  if (!match || (match[2]?.length ?? 0) > digits) return null
  return Number(match[1]) * 10 ** digits + Number((match[2] ?? '').padEnd(digits, '0') || 0)
}

export function moment(text: string, precision: 'day' | 'minute' | 'second' = 'minute'): string {
  const time = { day: {}, minute: { hour: '2-digit', minute: '2-digit' }, second: { timeStyle: 'medium' } }[precision]
  const style: Intl.DateTimeFormatOptions =
    precision === 'second'
      ? { dateStyle: 'medium', timeStyle: 'medium' }
      : { year: 'numeric', month: 'short', day: '2-digit', ...(time as Intl.DateTimeFormatOptions) }
  return new Intl.DateTimeFormat(currentLanguage(), style).format(new Date(text))
}

/** `2026/11/25 14:03:07` in the reader's zone: compared digit by digit, so the same in every language. */
export function stamp(text: string): string {
  const at = new Date(text)
  const two = (number: number) => String(number).padStart(2, '0')
  const day = `${at.getFullYear()}/${two(at.getMonth() + 1)}/${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** A calendar day (ISO 8601) without a clock or a zone, such as the day on which a rule begins. */
export function day(text: string): string {
  return new Intl.DateTimeFormat(currentLanguage(), { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(text))
}

export function utc(text: string): string {
  return `${new Date(text).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** "in 3 days", "5 minutes ago". */
export function fromNow(text: string, now: number = Date.now()): string {
  const seconds = (new Date(text).getTime() - now) / 1000
  const style = new Intl.RelativeTimeFormat(currentLanguage(), { numeric: 'auto' })
  for (const [unit, length] of [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ] as const) {
    if (Math.abs(seconds) >= length) return style.format(Math.trunc(seconds / length), unit)
  }
  return style.format(Math.trunc(seconds), 'second')
}

/** The Unicode form of an FQDN whose labels are punycode, or null when it has none. */
export function unicodeName(fqdn: string): string | null {
  if (!/(^|\.)xn--/i.test(fqdn)) return null
  return fqdn.split('.').map(fromPunycode).join('.')
}

// RFC 3492 §6.2. Browsers decode nothing by themselves: URL gives the ASCII form only.
function fromPunycode(label: string): string {
  if (!label.toLowerCase().startsWith('xn--')) return label
  const text = label.slice(4)
  const split = text.lastIndexOf('-')
  const out = Array.from(text.slice(0, Math.max(split, 0)))
  let [n, i, bias, at] = [128, 0, 72, split + 1]
  while (at < text.length) {
    const before = i
    for (let weight = 1, k = 36; ; k += 36) {
      const code = text.charCodeAt(at++)
      const digit = code >= 48 && code < 58 ? code - 22 : (code | 32) - 97
      if (!(digit >= 0 && digit < 36)) return label
      i += digit * weight
      const threshold = Math.min(Math.max(k - bias, 1), 26)
      if (digit < threshold) break
      weight *= 36 - threshold
    }
    const length = out.length + 1
    let delta = before === 0 ? Math.floor(i / 700) : (i - before) >> 1
    delta += Math.floor(delta / length)
    let k = 0
    for (; delta > 455; k += 36) delta = Math.floor(delta / 35)
    bias = k + Math.floor((36 * delta) / (delta + 38))
    n += Math.floor(i / length)
    if (n > 0x10ffff) return label
    out.splice(i % length, 0, String.fromCodePoint(n))
    i = (i % length) + 1
  }
  return out.join('')
}
