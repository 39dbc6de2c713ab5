// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { CLIENTS, commandFor } from './commands'

const given = { directory: 'https://ca.example/acme/directory', keyId: 'key-1', key: 'c2VjcmV0' }

test.each(CLIENTS)('the command of %s names directory, key id and key', (client) => {
  const text = commandFor(client, given)
  for (const part of Object.values(given)) expect(text).toContain(part)
})
