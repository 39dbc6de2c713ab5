// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { diffLines } from './diffLines'

const HEAD = '--- a/etc/x\n+++ b/etc/x\n'

test('each line has its kind, and the names of the files are left out', () => {
  const found = diffLines(`${HEAD}@@ -1,3 +1,3 @@\n one\n-two\n+2\n \n\\ No newline at end of file\n`)
  expect(found.map((line) => line.kind)).toEqual(['place', 'context', 'removed', 'added', 'context', 'note'])
  expect(found[2]?.text).toBe('-two')
  expect(new Set(found.map((line) => line.number)).size).toBe(6)
})

test('a removed line that looks like a file name is a line', () => {
  expect(diffLines(`${HEAD}@@ -1 +0,0 @@\n--- a comment\n`).map((line) => line.kind)).toEqual(['place', 'removed'])
})

test('line ends of Windows are not shown', () => {
  expect(diffLines(`${HEAD}@@ -1 +1 @@\n-a\r\n+b\r\n`).map((line) => line.text)).toEqual(['@@ -1 +1 @@', '-a', '+b'])
})

test('no text is no line', () => {
  expect(diffLines('')).toEqual([])
})
