// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { once } from './once'

const write = (body: string) => new Request('http://localhost/api/v1/orders', { method: 'POST', body })

test('Given a request under way, when it is sent again, then it goes out once and both get its answer', async () => {
  const sent: string[] = []
  const send = once(async (request) => {
    sent.push(await request.clone().text())
    await new Promise((resolve) => setTimeout(resolve, 5))
    return new Response('{"ok":true}')
  })
  const [one, two] = await Promise.all([send(write('a')), send(write('a'))])
  expect([await one.json(), await two.json()]).toEqual([{ ok: true }, { ok: true }])
  expect(sent).toEqual(['a'])
})

test('Given no answer came, when it is repeated, then it carries the same key, and a later one a new key', async () => {
  const keys: (string | null)[] = []
  let count = 0
  const send = once(
    async (request) => {
      keys.push(request.headers.get('Idempotency-Key'))
      if (keys.length === 1) throw new TypeError('network')
      return new Response(null, { status: keys.length === 2 ? 503 : 201 })
    },
    () => `key-${++count}`,
  )
  await expect(send(write('a'))).rejects.toThrow('network')
  await send(write('a'))
  await send(write('a'))
  await send(write('a'))
  expect(keys).toEqual(['key-1', 'key-1', 'key-1', 'key-2'])
})
