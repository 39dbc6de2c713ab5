// SPDX-License-Identifier: Apache-2.0
// What each action of an order opens, for the list and the order's own page alike.
import { type ComponentType, type LazyExoticComponent, lazy, type ReactNode, Suspense, useState } from 'react'
import { useNavigate } from 'react-router'

export interface ActedOrder {
  order_id: string
  number: number
}
export interface OrderDialogProps {
  order: ActedOrder
  onClose: () => void
}
type Dialog = LazyExoticComponent<ComponentType<OrderDialogProps>>

const CSRDialog = lazy(() => import('@/features/csr/CSRDialog'))
const DIALOGS: Record<string, Dialog> = {
  validate_organization: lazy(() => import('./ValidateOrganizationDialog')),
  reject: lazy(() => import('./RejectDialog')),
  cancel: lazy(() => import('./CancelDialog')),
  revoke: lazy(() => import('./RevokeDialog')),
  generate_request: CSRDialog,
  replace_csr: CSRDialog,
  reissue: CSRDialog,
  domain_control_validation: lazy(() => import('@/features/validation/ValidationDialog')),
  auto_install: lazy(() => import('@/features/install/InstallDialog')),
  save: lazy(() => import('@/features/install/SaveDialog')),
  installation_check: lazy(() => import('@/features/install/CheckDialog')),
  request_invoice: lazy(() => import('./InvoiceDialog')),
}
/** `apply` does an action; `dialogs` must stand somewhere on the page. */
export function useOrderActions(): { apply: (action: string, order: ActedOrder) => void; dialogs: ReactNode } {
  const navigate = useNavigate()
  const [open, setOpen] = useState<{ action: string; order: ActedOrder } | null>(null)
  const apply = (action: string, order: ActedOrder) => {
    if (action === 'complete_payment') navigate(`/orders/${order.order_id}/payment`)
    else if (action === 'renew') navigate(`/buy?renews=${order.order_id}`)
    else setOpen({ action, order })
  }
  const onClose = () => setOpen(null)
  const Dialog = open ? DIALOGS[open.action] : undefined
  const dialogs = open && (
    <Suspense>
      {Dialog && (
        <Dialog
          key={`${open.action} ${open.order.order_id}`}
          order={open.order}
          onClose={onClose}
          {...extra(open.action)}
        />
      )}
    </Suspense>
  )
  return { apply, dialogs }
}

function extra(action: string): object {
  return action === 'replace_csr' ? { replace: true } : action === 'reissue' ? { reissue: true } : {}
}
