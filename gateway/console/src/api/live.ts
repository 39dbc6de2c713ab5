// SPDX-License-Identifier: Apache-2.0
// The event stream: what happened to the account, pushed. An event makes the queries old whose answer it changes; whoever
// wants the events themselves subscribes. Of several tabs one listens and tells the others, since a browser opens only
// six connections to a host over HTTP/1.1.
import { useEffect } from 'react'
import { queryClient } from './client'
import { reached } from './connection'

export interface LiveEvent {
  id: string
  /** Such as `orders.CertIssued`. */
  type: string
  subject: string
  time: string
  data: Record<string, unknown>
}
type Listener = (event: LiveEvent) => void

const STREAM = '/api/v1/events/stream'
const GATHER_MS = 60
const REST_MS = 400
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 15_000

/** Paths whose answers an event of this publisher changes. */
const OLD: Record<string, readonly string[]> = {
  orders: ['/api/v1/orders', '/api/v1/certificates', '/api/v1/replacements'],
  ca: ['/api/v1/orders'],
  dcv: ['/api/v1/orders/{order_id}/authorizations', '/api/v1/authorizations', '/api/v1/orders'],
  installer: [
    '/api/v1/agents',
    '/api/v1/servers',
    '/api/v1/sites',
    '/api/v1/jobs',
    '/api/v1/installation-plans',
    '/api/v1/certificates',
  ],
  billing: ['/api/v1/balance', '/api/v1/statement', '/api/v1/orders'],
  discovery: ['/api/v1/certificates', '/api/v1/sites', '/api/v1/scans', '/api/v1/scan-schedules', '/api/v1/checks'],
  alerts: [
    '/api/v1/alerts',
    '/api/v1/alert-settings',
    '/api/v1/alert-channels',
    '/api/v1/alert-feeds',
    '/api/v1/certificates',
  ],
  accounts: ['/api/v1/users', '/api/v1/tokens', '/api/v1/sessions', '/api/v1/me', '/api/v1/account', '/api/v1/session'],
}

/** Whether the answer of a query may differ after an event: by publisher, and by order where both name one. */
export function grownOld(key: readonly unknown[], event: LiveEvent): boolean {
  const [path, where] = key as [string, { order_id?: string }?]
  if (path === '/api/v1/audit') return true
  const publisher = event.type.slice(0, event.type.indexOf('.'))
  if (!(OLD[publisher] ?? []).some((prefix) => path === prefix || path.startsWith(`${prefix}/`))) return false
  const order = event.data.order_id
  return !(where?.order_id && typeof order === 'string' && order !== '' && where.order_id !== order)
}

const listeners = new Set<Listener>()
let waiting: LiveEvent[] = []
let timer: ReturnType<typeof setTimeout> | undefined
let asking = false

/** A storm of events must not keep the page busy with asking: the next round waits for the answers of the one before. */
async function flush(): Promise<void> {
  timer = undefined
  const events = waiting
  waiting = []
  asking = true
  try {
    await queryClient.invalidateQueries({
      predicate: (query) => events.some((event) => grownOld(query.queryKey, event)),
    })
  } finally {
    asking = false
    if (waiting.length > 0) timer = setTimeout(() => void flush(), REST_MS)
  }
}

function arrived(event: LiveEvent): void {
  for (const listener of listeners) listener(event)
  waiting.push(event)
  if (timer === undefined && !asking) timer = setTimeout(() => void flush(), GATHER_MS)
}

export function parse(text: string): LiveEvent {
  const said = JSON.parse(text) as Record<string, unknown>
  return {
    id: String(said.id),
    type: String(said.type)
      .replace(/^certwright\./, '')
      .replace(/\.v\d+$/, ''),
    subject: String(said.subject ?? ''),
    time: String(said.time ?? ''),
    data: (said.data ?? {}) as Record<string, unknown>,
  }
}

function listen(onText: (text: string) => void, signal: AbortSignal): void {
  let source: EventSource | undefined
  let retry = FIRST_RETRY_MS
  let again: ReturnType<typeof setTimeout> | undefined
  let broken = false
  const open = () => {
    source = new EventSource(STREAM)
    source.onopen = () => {
      retry = FIRST_RETRY_MS
      reached()
      // What happened in between was not heard.
      if (broken) void queryClient.invalidateQueries()
      broken = false
    }
    source.onmessage = (message) => onText(message.data as string)
    source.onerror = () => {
      broken = true
      if (source?.readyState !== EventSource.CLOSED) return
      again = setTimeout(open, retry)
      retry = Math.min(retry * 2, LONGEST_RETRY_MS)
    }
  }
  open()
  signal.addEventListener('abort', () => {
    clearTimeout(again)
    source?.close()
  })
}

/** Listens while the calling component is mounted: the shell of whoever is signed in as `userId`. */
export function useLive(userId: string): void {
  useEffect(() => {
    const ended = new AbortController()
    const name = `certwright.live.${userId}`
    if (!navigator.locks || typeof BroadcastChannel === 'undefined') {
      listen((text) => arrived(parse(text)), ended.signal)
      return () => ended.abort()
    }
    const channel = new BroadcastChannel(name)
    channel.onmessage = (message) => arrived(parse(message.data as string))
    navigator.locks
      .request(name, { signal: ended.signal }, async () => {
        listen((text) => {
          channel.postMessage(text)
          arrived(parse(text))
        }, ended.signal)
        await new Promise<void>((resolve) => ended.signal.addEventListener('abort', () => resolve()))
      })
      .catch(() => undefined) // given up while waiting for the lock
    return () => {
      ended.abort()
      channel.close()
    }
  }, [userId])
}

/** Calls `listener` for each event while mounted; keep it stable with useCallback. */
export function useEvents(listener: Listener): void {
  useEffect(() => {
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }, [listener])
}
