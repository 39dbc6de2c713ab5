// SPDX-License-Identifier: Apache-2.0
// ISO 3166-1 alpha-2, as the accounts room takes them; names come from the browser, in the reader's language.
import { currentLanguage } from '@/i18n'

export const CODES =
  ''.split(
    ' ',
  )

/** Choices of a select: the first one asks to choose. */
export function countries(choose: string): { value: string; label: string }[] {
  const names = new Intl.DisplayNames(currentLanguage(), { type: 'region' })
  const found = CODES.map((value) => ({ value, label: names.of(value) ?? value }))
  found.sort((one, other) => one.label.localeCompare(other.label, currentLanguage()))
  return [{ value: '', label: choose }, ...found]
}
