// SPDX-License-Identifier: Apache-2.0
// Page, size, order, search and filters of a list live in the URL, so that Back, reload and a sent link show the same.
import { useMemo, useRef } from 'react'
import { useLocation, useNavigation, useSearchParams } from 'react-router'

export const SIZES = [5, 10, 25, 50, 100] as const
const OWN = ['page', 'size', 'sort', 'search']

export interface TableState {
  page: number
  size: number
  sort: string
  search: string
  /** All other parameters: the filters of this list. */
  filters: Record<string, string>
  /** Changes some; everything but a change of the page goes back to the first one. Empty values are taken out. */
  set: (changes: Record<string, string | number | null>) => void
  /** limit, offset, sort, search and filters, as lists of the API take them. */
  query: Record<string, never>
}

/** What the list shows, as parameters for an export, which has all rows and therefore no page. */
export function exported({ sort, search, filters }: TableState): string {
  return new URLSearchParams({ ...filters, ...(sort ? { sort } : {}), ...(search ? { search } : {}) }).toString()
}

/** `defaults` by name; what is at its default does not stand in the URL. */
export function useTableState(
  defaults: { sort?: string; size?: number } & Record<string, string | number> = {},
): TableState {
  const [parameters, setParameters] = useSearchParams()
  const { pathname } = useLocation()
  const { location } = useNavigation()
  const going = useRef(false)
  going.current = location !== undefined && location.pathname !== pathname
  return useMemo(() => {
    const said = (name: string) => parameters.get(name) ?? ''
    const size = SIZES.find((one) => String(one) === said('size')) ?? Number(defaults.size ?? 25)
    const page = Math.max(1, Number.parseInt(said('page') || '1', 10) || 1)
    const sort = said('sort') || String(defaults.sort ?? '')
    const search = said('search')
    const filters = Object.fromEntries([...parameters].filter(([name]) => !OWN.includes(name)))
    const query: Record<string, string | number> = { ...filters, limit: size, offset: (page - 1) * size }
    if (sort) query.sort = sort
    if (search) query.search = search
    const set: TableState['set'] = (changes) => {
      // Whoever has gone on to another page, which is still being loaded, is not called back.
      if (going.current) return
      setParameters(
        (old) => {
          const next = new URLSearchParams(old)
          if (!('page' in changes)) next.delete('page')
          for (const [name, value] of Object.entries(changes)) {
            const plain = value === null || value === '' || (name === 'page' && value === 1)
            if (plain || String(defaults[name] ?? '') === String(value)) next.delete(name)
            else next.set(name, String(value))
          }
          return next
        },
        // Not as a transition: in a storm of events it would wait until that is over.
        { replace: true, flushSync: true },
      )
    }
    return { page, size, sort, search, filters, set, query: query as Record<string, never> }
  }, [parameters, setParameters, defaults])
}
