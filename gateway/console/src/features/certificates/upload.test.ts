// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { contentOf } from './upload'

const bytes = (text: string) => new TextEncoder().encode(text)

it('leaves PEM as it is, with words around it', () => {
  const pem = 'subject=x\r\n-----BEGIN CERTIFICATE-----\r\nMIIB\r\n-----END CERTIFICATE-----\r\n'
  expect(contentOf(bytes(pem))).toBe(pem)
})

it('writes DER as base64, and leaves base64 alone', () => {
  expect(contentOf(Uint8Array.of(0x30, 0x82, 0xff, 0x00))).toBe('MIL/AA==')
  expect(contentOf(bytes('MIL/AA==\n'))).toBe('MIL/AA==\n')
})
