// SPDX-License-Identifier: Apache-2.0
// The only way to the gateway. Types come from its OpenAPI document (npm run api); paths are the keys of queries, so that
// the event stream can say what has become old.
import {
  keepPreviousData,
  QueryClient,
  type UseMutationResult,
  type UseQueryResult,
  useInfiniteQuery,
  useMutation,
  useQuery,
} from '@tanstack/react-query'
import createClient from 'openapi-fetch'
import { reached, unreachable } from './connection'
import { once } from './once'
import { offline, Problem, problemOf } from './problem'
import type { components, paths } from './schema'

export type Schemas = components['schemas']
export type Order = Schemas['OrderView']
type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
type With<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: object } ? P : never
}[keyof paths]
type Operation<P extends keyof paths, M extends Method> = paths[P] extends { [K in M]: infer O } ? O : never
type Json<T> = T extends { content: { 'application/json': infer B } } ? B : undefined
export type Reply<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { responses: infer R } ? Json<R[keyof R & (200 | 201 | 202 | 204)]> : never
type Params<P extends keyof paths, M extends Method, Where extends 'path' | 'query'> =
  Operation<P, M> extends { parameters: { [K in Where]?: infer V } } ? NonNullable<V> : never
/** What has a default on the server may be left out. */
type Sendable<T> = T extends (infer U)[]
  ? Sendable<U>[]
  : T extends object
    ? { [K in keyof T]?: Sendable<T[K]> | null }
    : T
export type Body<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { requestBody?: infer B } ? Sendable<Json<NonNullable<B>>> : never

const http = createClient<paths>({
  baseUrl: '/',
  credentials: 'same-origin',
  fetch: once((request) => fetch(request)),
})
export const SIGNED_OUT = 'certwright:signed-out'

async function ask(method: Method, path: string, init: object): Promise<unknown> {
  let found: { data?: unknown; response: Response }
  try {
    const send = http[method.toUpperCase() as 'GET'] as unknown as (p: string, i: object) => Promise<typeof found>
    found = await send(path, { ...init, querySerializer: { array: { style: 'form', explode: true } } })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    unreachable()
    throw offline()
  }
  reached()
  const { response } = found
  if (response.ok) return found.data ?? null
  // openapi-fetch has read the body already; `error` holds it.
  const said = (found as { error?: unknown }).error
  const problem = said && typeof said === 'object' ? new Problem(said) : await problemOf(response)
  if (response.status === 401 && path !== '/api/v1/session') window.dispatchEvent(new Event(SIGNED_OUT))
  throw problem
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: true,
      retry: (count, error) => error instanceof Problem && error.passing && count < 3,
    },
    mutations: { retry: false },
  },
})

interface Asked<P extends keyof paths, M extends Method> {
  path?: Params<P, M, 'path'>
  query?: Partial<Params<P, M, 'query'>>
}
interface Choices {
  enabled?: boolean
  keepPrevious?: boolean
  /** Milliseconds between looks for what has no event of its own. */
  every?: number | false
  staleTime?: number
}

/** A query. It is asked again when the event stream says that it has become old. */
export function useApi<P extends With<'get'>>(
  path: P,
  asked: Asked<P, 'get'> = {},
  choices: Choices = {},
): UseQueryResult<Reply<P, 'get'>, Problem> {
  return useQuery({
    queryKey: [path, asked.path ?? {}, asked.query ?? {}],
    queryFn: ({ signal }) => ask('get', path, { params: asked, signal }) as Promise<Reply<P, 'get'>>,
    enabled: choices.enabled,
    staleTime: choices.staleTime,
    refetchInterval: choices.every ?? false,
    placeholderData: choices.keepPrevious ? keepPreviousData : undefined,
  }) as UseQueryResult<Reply<P, 'get'>, Problem>
}

type Item<P extends With<'get'>> = Reply<P, 'get'> extends { items: (infer T)[] } ? T : never

/** What was read of a list so far. `more` reads on; it is null at the end. */
export interface Pages<T> {
  data: { items: T[]; total?: number | null } | undefined
  error: Error | null
  isPending: boolean
  isFetching: boolean
  isPlaceholderData: boolean
  refetch: () => unknown
  more: (() => void) | null
}

/** A list that only goes on by its cursor, such as one that grows at its head while it is read. */
export function useApiPages<P extends With<'get'>>(
  path: P,
  asked: Asked<P, 'get'> = {},
  choices: Choices = {},
): Pages<Item<P>> {
  const found = useInfiniteQuery({
    queryKey: [path, asked.path ?? {}, asked.query ?? {}, 'pages'],
    queryFn: ({ signal, pageParam }) => {
      const query = { ...asked.query, ...(pageParam ? { cursor: pageParam } : {}) }
      return ask('get', path, { params: { ...asked, query }, signal }) as Promise<Read<Item<P>>>
    },
    initialPageParam: '',
    getNextPageParam: (page: Read<Item<P>>) => page.next_cursor,
    enabled: choices.enabled,
    refetchInterval: choices.every ?? false,
    placeholderData: choices.keepPrevious ? keepPreviousData : undefined,
  })
  const pages = found.data?.pages
  return {
    data: pages && { items: pages.flatMap((page) => page.items), total: pages[0]?.total },
    error: found.error,
    isPending: found.isPending,
    isFetching: found.isFetching,
    isPlaceholderData: found.isPlaceholderData,
    refetch: () => found.refetch(),
    more: found.hasNextPage ? () => void found.fetchNextPage() : null,
  }
}
interface Read<T> {
  items: T[]
  next_cursor?: string | null
  total?: number | null
}

/** One question outside of a component. Throws Problem. */
export function fetchApi<P extends With<'get'>>(path: P, asked: Asked<P, 'get'> = {}): Promise<Reply<P, 'get'>> {
  return ask('get', path, { params: asked }) as Promise<Reply<P, 'get'>>
}

export type Sent<P extends keyof paths, M extends Method> = Asked<P, M> & { body?: Body<P, M> }

/** A write outside of a component. Throws Problem. */
export function send<M extends Exclude<Method, 'get'>, P extends With<M>>(
  method: M,
  path: P,
  sent: Sent<P, M> = {},
): Promise<Reply<P, M>> {
  const { body, ...params } = sent
  return ask(method, path, { params, body: body ?? undefined }) as Promise<Reply<P, M>>
}

/** A write. What it changes is asked again when it is done, without waiting for the event stream. */
export function useCommand<M extends Exclude<Method, 'get'>, P extends With<M>>(
  method: M,
  path: P,
  refreshes: readonly With<'get'>[] = [],
): UseMutationResult<Reply<P, M>, Problem, Sent<P, M>> {
  return useMutation<Reply<P, M>, Problem, Sent<P, M>>({
    mutationFn: (sent) => send(method, path, sent),
    onSuccess: () =>
      Promise.all(refreshes.map((each) => queryClient.invalidateQueries({ queryKey: [each] }))).then(() => undefined),
  })
}
