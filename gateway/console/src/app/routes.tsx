// SPDX-License-Identifier: Apache-2.0
import { Suspense } from 'react'
import { createBrowserRouter, Navigate, type RouteObject } from 'react-router'
import { Loading } from '@/ui/Says'
import { Failed, NotFound } from './Failed'
import { Permitted } from './Permitted'
import { home, PAGES } from './pages'
import { Shell } from './Shell'
import { RequireSession, useSession } from './session'

const behindShell: RouteObject[] = PAGES.map((page) => ({
  path: page.path,
  handle: page.key,
  lazy: async () => {
    const { default: Content } = await page.load()
    return {
      element: (
        <Permitted page={page}>
          <Content />
        </Permitted>
      ),
    }
  },
  errorElement: <Failed />,
}))

function Home() {
  return <Navigate to={home(useSession())} replace />
}

export const router = createBrowserRouter(
  [
    {
      path: '/sign-in',
      lazy: async () => ({ Component: (await import('@/features/sign-in/SignInPage')).default }),
      errorElement: <Failed />,
      HydrateFallback: Loading,
    },
    {
      path: '/sign-up',
      lazy: async () => ({ Component: (await import('@/features/sign-up/SignUpPage')).default }),
      errorElement: <Failed />,
      HydrateFallback: Loading,
    },
    {
      path: '/',
      element: (
        <RequireSession>
          <Suspense fallback={<Loading />}>
            <Shell />
          </Suspense>
        </RequireSession>
      ),
      HydrateFallback: Loading,
      errorElement: <Failed />,
      children: [{ index: true, element: <Home /> }, ...behindShell, { path: '*', element: <NotFound /> }],
    },
  ],
  { basename: '/console' },
)
