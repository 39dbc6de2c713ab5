// SPDX-License-Identifier: Apache-2.0
import { useCallback } from 'react'
import { useNavigate } from 'react-router'
import { fetchApi } from '@/api/client'
import { type Renewed, renewalPath } from './renewal'

/** Opens the order wizard for a certificate. */
export function useRenewal(): (certificate: Renewed) => Promise<void> {
  const navigate = useNavigate()
  return useCallback(
    async (certificate) => {
      const { order_id } = certificate
      const order = order_id
        ? await fetchApi('/api/v1/orders/{order_id}', { path: { order_id } }).catch(() => null)
        : null
      navigate(renewalPath(certificate, order?.allowed_actions ?? []))
    },
    [navigate],
  )
}
