// SPDX-License-Identifier: Apache-2.0
import { useEffect } from 'react'
import { type Reply, useApi } from '@/api/client'

type ConsoleFacts = Reply<'/api/v1/console', 'get'>
const UNKNOWN: ConsoleFacts = {
  brand: 'Certwright',
  ca_brand: 'Certwright',
  version: '',
  support_url: '',
  support_email: '',
  support_phone: '',
  help_url: '/docs',
  scan_url: '',
  scan_label: '',
}

/** How this installation calls itself, and where its links lead: settings of the gateway. */
export function useConsole(): ConsoleFacts {
  return useApi('/api/v1/console', {}, { staleTime: Number.POSITIVE_INFINITY }).data ?? UNKNOWN
}

/** Sets the title of the browser's tab. */
export function useTitle(title: string): void {
  const { brand } = useConsole()
  useEffect(() => {
    document.title = title ? `${title} · ${brand}` : brand
  }, [title, brand])
}
