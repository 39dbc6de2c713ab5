// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { holdsKey } from './privateKey'

describe('private keys', () => {
  it.each([
    '-----BEGIN PRIVATE KEY-----\nMC4C',
    '-----BEGIN EC PRIVATE KEY-----',
    '-----begin encrypted private key-----',
    'MIIEvgIBADANBgkqhkiG9w0BAQEFAASC',
    'MHcCAQEEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  ])('are told: %s', (text) => expect(holdsKey(text)).toBe(true))
  it.each(['', '-----BEGIN CERTIFICATE-----\nMIIDdzCCAl8CFA', 'MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkq'])(
    'are not seen in %s',
    (text) => expect(holdsKey(text)).toBe(false),
  )
})
