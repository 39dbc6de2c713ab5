// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useRef, useState } from 'react'
import { type Schemas, send } from '@/api/client'
import { Problem } from '@/api/problem'

export interface Quoting {
  /** The price for exactly these names, as long as it holds. */
  fresh: Schemas['QuoteView'] | null
  problem: Problem | null
  asking: boolean
  /** Asks now; the problem when it was refused, null while there is nothing to ask. */
  ask: () => Promise<Schemas['QuoteView'] | Problem | null>
}

const PAUSE_MS = 500
const MARGIN_MS = 60_000

/** Whether it is the voucher that was refused, not what is ordered. */
export function refusedVoucher(problem: Problem | null): string | null {
  return problem?.errors.find((one) => one.pointer === '/voucher')?.detail ?? null
}

/** A price that follows what is typed: asked when typing pauses, and again before it runs out. */
export function useQuote(product: string, names: readonly string[], termYears: number, voucher: string): Quoting {
  const [state, setState] = useState<{ key: string; quote: Schemas['QuoteView'] | null; problem: Problem | null }>({
    key: '',
    quote: null,
    problem: null,
  })
  const [asking, setAsking] = useState(false)
  const key = JSON.stringify([product, names, termYears, voucher])
  const newest = useRef(key)
  newest.current = key
  const ask = useCallback(async () => {
    const [code, list, years, voucherCode] = JSON.parse(key) as [string, string[], number, string]
    if (!code || list.length === 0) return null
    setAsking(true)
    try {
      const quote = await send('post', '/api/v1/quotes', {
        body: { product: code, names: list, term_years: years, voucher: voucherCode || null },
      })
      if (newest.current === key) setState({ key, quote, problem: null })
      return quote
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      if (newest.current === key) setState({ key, quote: null, problem: error })
      return error
    } finally {
      setAsking(false)
    }
  }, [key])
  useEffect(() => {
    const timer = setTimeout(() => void ask(), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [ask])
  const now = state.key === key ? state : { quote: null, problem: null }
  const holds = now.quote !== null && new Date(now.quote.expires_at).getTime() - Date.now() > MARGIN_MS
  return { fresh: holds ? now.quote : null, problem: now.problem, asking, ask }
}
