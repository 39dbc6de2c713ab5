// SPDX-License-Identifier: Apache-2.0
import { Suspense } from 'react'
import { createBrowserRouter, Navigate, type RouteObject } from 'react-router'
import { withWords } from '@/i18n'
import { Loading } from '@/ui/Says'
import { Failed, NotFound } from './Failed'
import { PAGES } from './pages'
import { Shell } from './Shell'
import { RequireSession } from './session'

const behindShell: RouteObject[] = PAGES.map(({ path, load, key }) => ({
  path,
  handle: key,
  lazy: async () => ({ Component: (await (key === 'orders' ? load() : withWords(load()))).default }),
  errorElement: <Failed />,
}))

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
      lazy: async () => ({ Component: (await withWords(import('@/features/sign-up/SignUpPage'))).default }),
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
      children: [
        { index: true, element: <Navigate to="/orders" replace /> },
        ...behindShell,
        { path: '*', element: <NotFound /> },
      ],
    },
  ],
  { basename: '/console' },
)
