// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import type { Schemas } from '@/api/client'
import { bindingText, nameToBuy } from './bindings'

const site = (name: string, names: string[]) => ({ name, names }) as Schemas['ListedSite']

test.each([
  ['10.100.77.21', 80, ['host'], '10.100.77.21:80:host'],
  ['*', 443, [], '*:443:'],
  ['', 80, ['a.example', 'b.example'], '*:80:a.example'],
  ['[::]', 443, [], '[::]:443:'],
])('A binding of %s is written as the guide does', (address, port, names, text) => {
  expect(bindingText({ address, port, names, tls: false, certificate: null })).toBe(text)
})

test.each([
  [site('_', ['_']), ''],
  [site('localhost', ['localhost']), ''],
  [site('10.0.0.1', ['10.0.0.1']), ''],
  [site('default', ['_', 'www.example.com']), 'www.example.com'],
  [site('a', ['*.example.com']), '*.example.com'],
  [site('b', ['~^www\\d+\\.example$', 'xn--bcher-kva.example']), 'xn--bcher-kva.example'],
  [site('shop.example.com', []), 'shop.example.com'],
])('What can be bought for %o is %s', (one, name) => {
  expect(nameToBuy(one)).toBe(name)
})
