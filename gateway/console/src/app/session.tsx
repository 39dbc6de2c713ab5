// SPDX-License-Identifier: Apache-2.0
// Who is signed in. Pages behind the shell have a session; without one the sign-in page comes first and leads back.
import { createContext, type ReactNode, useContext, useEffect } from 'react'
import { Navigate, useLocation } from 'react-router'
import { fetchApi, queryClient, type Schemas, SIGNED_OUT, send, useApi } from '@/api/client'
import { Loading, ProblemAlert } from '@/ui/Says'

export type Session = Schemas['CurrentSession']
const Current = createContext<Session | null>(null)

const FRESH_MS = 60_000

/** Asks ahead of the page that needs the answer; a visitor's page needs none. */
export function askWhoIsSignedIn(): void {
  if (/^\/console\/sign-(in|up)/.test(window.location.pathname)) return
  void queryClient.prefetchQuery({
    queryKey: ['/api/v1/session', {}, {}],
    queryFn: () => fetchApi('/api/v1/session'),
    staleTime: FRESH_MS,
    retry: false,
  })
}

export function RequireSession({ children }: { children: ReactNode }) {
  const found = useApi('/api/v1/session', {}, { staleTime: FRESH_MS })
  const { pathname, search } = useLocation()
  useEffect(() => {
    const ended = () => void queryClient.resetQueries({ queryKey: ['/api/v1/session'] })
    window.addEventListener(SIGNED_OUT, ended)
    return () => window.removeEventListener(SIGNED_OUT, ended)
  }, [])
  if (found.error?.status === 401) {
    const next = pathname === '/' ? '' : `?next=${encodeURIComponent(pathname + search)}`
    return <Navigate to={`/sign-in${next}`} replace />
  }
  if (found.data) return <Current.Provider value={found.data}>{children}</Current.Provider>
  if (found.error) return <ProblemAlert problem={found.error} again={() => found.refetch()} />
  return <Loading />
}

/** The session of the page. Use it below RequireSession only. */
export function useSession(): Session & { can: (permission: string) => boolean; customer: boolean } {
  const session = useContext(Current)
  if (!session) throw new Error('this page is not behind RequireSession')
  return {
    ...session,
    can: (permission) => session.permissions.includes(permission),
    customer: session.user.account_id !== null,
  }
}

/** After signing in: everything that was asked before belonged to somebody else. */
export async function begin(): Promise<Session> {
  queryClient.clear()
  const session = await fetchApi('/api/v1/session')
  queryClient.setQueryData(['/api/v1/session', {}, {}], session)
  return session
}

export async function signOut(): Promise<void> {
  await send('delete', '/api/v1/session')
  queryClient.clear()
  for (const name of Object.keys(sessionStorage)) {
    if (name.startsWith('certwright.')) sessionStorage.removeItem(name)
  }
  window.location.assign('/console/sign-in')
}

/** A path of this console that `next` names, never another site. */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : '/'
}
