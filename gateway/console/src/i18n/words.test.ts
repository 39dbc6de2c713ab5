// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { words as firstGerman } from './de'
import { words as moreGerman } from './de-more'
import { words as firstEnglish } from './en'
import { words as moreEnglish } from './en-more'

const german = { ...firstGerman, ...moreGerman }
const english = { ...firstEnglish, ...moreEnglish }

function keys(texts: unknown, path: string): string[] {
  if (typeof texts === 'string') return [path]
  return Object.entries(texts as object).flatMap(([name, inner]) => keys(inner, `${path}.${name}`))
}

function placeholders(texts: unknown, path: string): string[] {
  if (typeof texts === 'string') return [`${path}: ${[...new Set(texts.match(/{{\s*\w+/g) ?? [])].sort().join(' ')}`]
  return Object.entries(texts as object).flatMap(([name, inner]) => placeholders(inner, `${path}.${name}`))
}

test('Every text exists in both languages', () => {
  expect(keys(german, '').sort()).toEqual(keys(english, '').sort())
})

test('Both languages name the same values', () => {
  expect(placeholders(german, '').sort()).toEqual(placeholders(english, '').sort())
})
