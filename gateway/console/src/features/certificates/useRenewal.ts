// SPDX-License-Identifier: Apache-2.0
import { useCallback } from 'react'
import { useNavigate } from 'react-router'
import { fetchApi } from '@/api/client'

/** Opens the order wizard for a certificate: as a renewal of its order where that is allowed now, else by its name. */
export function useRenewal(): (certificate: { order_id: string; common_name: string }) => Promise<void> {
  const navigate = useNavigate()
  return useCallback(
    async ({ order_id, common_name }) => {
      const order = order_id
        ? await fetchApi('/api/v1/orders/{order_id}', { path: { order_id } }).catch(() => null)
        : null
      if (order?.allowed_actions.includes('renew')) navigate(`/buy?renews=${order_id}`)
      else navigate(`/buy?name=${encodeURIComponent(common_name)}`)
    },
    [navigate],
  )
}
