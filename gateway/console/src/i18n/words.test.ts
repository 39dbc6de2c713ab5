// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { words as germanFirst } from './de'
import { words as germanRest } from './de-rest'
import { words as englishFirst } from './en'
import { words as englishRest } from './en-rest'

const german = { ...germanFirst, ...germanRest }
const english = { ...englishFirst, ...englishRest }

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
