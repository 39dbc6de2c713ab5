// SPDX-License-Identifier: Apache-2.0
// What can be done for a site: buy a certificate or renew the one that is there, install one that an order has already,
// look at what is served. Whether an order may be installed is the API's word.
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi } from '@/api/client'
import { useSession } from '@/app/session'
import { useConsole } from '@/app/useConsole'
import { useRenewal } from '@/features/certificates/useRenewal'
import { useOrderActions } from '@/features/orders/actions'
import { certificatesOf, nameToBuy } from './bindings'
import { useKnown } from './useKnown'

type Site = Schemas['ListedSite']

interface SiteActions {
  known: ReadonlyMap<string, Schemas['InventoryCertificate']>
  actionsOf: (site: Site) => string[]
  apply: (action: string, site: Site) => void
  word: (action: string) => string
  dialogs: ReactNode
}

export function useSiteActions(sites: readonly Site[], onView: (fingerprint: string) => void): SiteActions {
  const { t } = useTranslation(['sites', 'ui'])
  const session = useSession()
  const { ca_brand } = useConsole()
  const renew = useRenewal()
  const order = useOrderActions()
  const known = useKnown(sites.flatMap(certificatesOf).map((one) => one.fingerprint_sha256.toLowerCase()))
  const mayBuy = session.customer && session.can('create_order')
  const orders = useApi(
    '/api/v1/orders',
    { query: { status: 'issued,installed', sort: '-number', limit: 200 } },
    { enabled: mayBuy && sites.length > 0 },
  )
  const served = (site: Site) => {
    const [first] = certificatesOf(site)
    return first ? known.get(first.fingerprint_sha256.toLowerCase()) : undefined
  }
  const installable = (site: Site) =>
    orders.data?.items.find(
      (one) => one.allowed_actions.includes('auto_install') && one.names.some((name) => site.names.includes(name)),
    )
  const actionsOf = (site: Site) => {
    const found: string[] = []
    if (mayBuy && nameToBuy(site)) found.push(certificatesOf(site).length > 0 ? 'renew_with' : 'buy')
    if (mayBuy && installable(site)) found.push('auto_install')
    if (served(site)) found.push('view')
    return found
  }
  const apply = (action: string, site: Site) => {
    const certificate = served(site)
    if (action === 'buy' || action === 'renew_with')
      void renew({ order_id: certificate?.order_id ?? '', common_name: nameToBuy(site) })
    if (action === 'view' && certificate) onView(certificate.fingerprint_sha256)
    const fitting = installable(site)
    if (action === 'auto_install' && fitting) order.apply(action, fitting)
  }
  const word = (action: string) =>
    action === 'auto_install' ? t(`ui:action.${action}`) : t(`action.${action}`, { brand: ca_brand })
  return { known, actionsOf, apply, word, dialogs: order.dialogs }
}
