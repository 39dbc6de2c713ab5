// SPDX-License-Identifier: Apache-2.0
import type { components } from './schema'

type ProblemDocument = components['schemas']['Problem']

/** A refusal of the gateway (RFC 9457), or `offline` when no answer came. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly traceId: string
  readonly errors: readonly { detail: string; pointer?: string | null; parameter?: string | null }[]
  readonly extra: Readonly<Record<string, string>>

  constructor(document: Partial<ProblemDocument>) {
    super(document.detail || document.title || 'Something went wrong.')
    this.name = 'Problem'
    this.status = document.status ?? 0
    this.code = document.code ?? 'internal'
    this.title = document.title ?? ''
    this.traceId = document.trace_id ?? ''
    this.errors = document.errors ?? []
    this.extra = document.extra ?? {}
  }

  /** Whether the same request may succeed a little later. */
  get passing(): boolean {
    return ['offline', 'unavailable', 'deadline_exceeded', 'rate_limited', 'idempotency_in_flight'].includes(this.code)
  }
}

export function offline(): Problem {
  return new Problem({ status: 0, code: 'offline', title: 'No connection', detail: 'The server did not answer.' })
}

/** The problem that an answer holds, whatever its body turns out to be. */
export async function problemOf(response: Response): Promise<Problem> {
  try {
    return new Problem((await response.clone().json()) as ProblemDocument)
  } catch {
    return new Problem({ status: response.status, code: response.status >= 500 ? 'unavailable' : 'malformed' })
  }
}
