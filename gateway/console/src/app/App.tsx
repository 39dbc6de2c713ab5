// SPDX-License-Identifier: Apache-2.0
import { localStorageColorSchemeManager, MantineProvider, mergeThemeOverrides } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClientProvider } from '@tanstack/react-query'
import { Suspense, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { RouterProvider } from 'react-router/dom'
import { queryClient } from '@/api/client'
import { closing, cssVariables, theme } from '@/theme/theme'
import { Loading } from '@/ui/Says'
import { router } from './routes'

const schemes = localStorageColorSchemeManager({ key: 'certwright.scheme' })

export function App({ nonce }: { nonce: string }) {
  const { t } = useTranslation('ui')
  const close = t('close')
  const inWords = useMemo(() => mergeThemeOverrides(theme, closing(close)), [close])
  return (
    <MantineProvider
      theme={inWords}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={schemes}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queryClient}>
        <Notifications position="bottom-right" autoClose={6000} limit={4} />
        <Suspense fallback={<Loading />}>
          <RouterProvider router={router} />
        </Suspense>
      </QueryClientProvider>
    </MantineProvider>
  )
}
