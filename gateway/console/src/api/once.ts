// SPDX-License-Identifier: Apache-2.0
// A write is sent once, however often its button is pressed: the same request that is still under way is not sent again,
// and one whose answer never came is repeated under the same Idempotency-Key.

const KEY = 'Idempotency-Key'
const READS = new Set(['GET', 'HEAD'])

export function newKey(): string {
  // crypto.randomUUID exists over TLS and on localhost only.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

type Fetch = (request: Request) => Promise<Response>

/** Wraps `send`. A network failure and a 503 or 504 leave the outcome open, so that the key is kept for the repetition. */
export function once(send: Fetch, makeKey: () => string = newKey): Fetch {
  const underWay = new Map<string, Promise<Response>>()
  const keys = new Map<string, string>()
  return async (request) => {
    if (READS.has(request.method)) return send(request)
    const signature = `${request.method} ${request.url} ${await request.clone().text()}`
    const running = underWay.get(signature)
    if (running) return (await running).clone()
    const key = keys.get(signature) ?? makeKey()
    keys.set(signature, key)
    request.headers.set(KEY, key)
    const answer = send(request).then((response) => {
      if (response.status !== 503 && response.status !== 504) keys.delete(signature)
      return response
    })
    underWay.set(signature, answer)
    try {
      return (await answer).clone()
    } finally {
      underWay.delete(signature)
    }
  }
}
