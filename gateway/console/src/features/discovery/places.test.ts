// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { portsOf, targetsOf, wordsOf } from './places'

test.each([
  ['192.0.2.0', '255.255.255.0', ['192.0.2.0/255.255.255.0']],
  ['192.0.2.0', '/24', ['192.0.2.0/24']],
  ['192.0.2.1 - 192.0.2.20, 198.51.100.7', '', ['192.0.2.1-192.0.2.20', '198.51.100.7']],
  ['192.0.2.0/28 2001:db8::1', '64', ['192.0.2.0/28', '2001:db8::1/64']],
  ['', '255.255.255.0', []],
])('The range %s with the mask %s is %o', (range, mask, targets) => {
  expect(targetsOf(range, mask)).toEqual(targets)
})

test('Ports and names are separated by anything; what is no port is told by the API', () => {
  expect(portsOf('443, 8443;x 99999')).toEqual([443, 8443, 0, 99999])
  expect(wordsOf(' a.example\nb.example, ')).toEqual(['a.example', 'b.example'])
})
