// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { bytesOf, textOf } from './passkeys'

test.each(['', '-_8', 'AQIDBA', 'c2VydmVyIHNlY3VyaXR5'])('%j is the same after a round', (text) => {
  expect(textOf(bytesOf(text).buffer)).toBe(text)
})

test('bytes that plain base64 writes with + and / are written with - and _', () => {
  expect(textOf(new Uint8Array([251, 255]).buffer)).toBe('-_8')
})
