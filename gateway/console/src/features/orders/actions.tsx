// SPDX-License-Identifier: Apache-2.0
// What each action of an order opens, for the list and the order's own page alike.
import { NativeSelect, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { type ComponentType, type LazyExoticComponent, lazy, type ReactNode, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { queryClient, send } from '@/api/client'
import { withWords } from '@/i18n'
import { Confirm } from '@/ui/Confirm'

export interface ActedOrder {
  order_id: string
  number: number
}
export interface OrderDialogProps {
  order: ActedOrder
  opened: boolean
  onClose: () => void
}
type Dialog = LazyExoticComponent<ComponentType<OrderDialogProps>>

const CSRDialog = lazy(() => withWords(import('@/features/csr/CSRDialog')))
const DIALOGS: Record<string, Dialog> = {
  generate_request: CSRDialog,
  replace_csr: CSRDialog,
  reissue: CSRDialog,
  domain_control_validation: lazy(() => withWords(import('@/features/validation/ValidationDialog'))),
  auto_install: lazy(() => withWords(import('@/features/install/InstallDialog'))),
  save: lazy(() => withWords(import('@/features/install/SaveDialog'))),
  installation_check: lazy(() => withWords(import('@/features/install/CheckDialog'))),
  request_invoice: lazy(() => withWords(import('./InvoiceDialog'))),
}
// RFC 5280 §5.3.1, as far as a subscriber may say them (BR 4.9.1.1).
const REASONS = ['unspecified', 'keyCompromise', 'affiliationChanged', 'superseded', 'cessationOfOperation'] as const

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
          opened
          onClose={onClose}
          {...extra(open.action)}
        />
      )}
      {open.action === 'cancel' && <Cancel order={open.order} opened onClose={onClose} />}
      {open.action === 'revoke' && <Revoke order={open.order} opened onClose={onClose} />}
    </Suspense>
  )
  return { apply, dialogs }
}

function extra(action: string): object {
  return action === 'replace_csr' ? { replace: true } : action === 'reissue' ? { reissue: true } : {}
}

const refresh = () => queryClient.invalidateQueries({ queryKey: ['/api/v1/orders'] })

function Cancel({ order, opened, onClose }: OrderDialogProps) {
  const { t } = useTranslation('orders')
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t('cancel.title', { number: order.number })}
      verb={t('cancel.verb')}
      typed={String(order.number)}
      onConfirm={async () => {
        await send('post', '/api/v1/orders/{order_id}/cancel', { path: { order_id: order.order_id } })
        await refresh()
        notifications.show({ message: t('cancel.done', { number: order.number }) })
      }}
    >
      {t('cancel.text')}
    </Confirm>
  )
}

function Revoke({ order, opened, onClose }: OrderDialogProps) {
  const { t } = useTranslation('orders')
  const [reason, setReason] = useState<string>(REASONS[0])
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t('revoke.title', { number: order.number })}
      verb={t('revoke.verb')}
      typed={String(order.number)}
      onConfirm={async () => {
        await send('post', '/api/v1/orders/{order_id}/revoke', { path: { order_id: order.order_id }, body: { reason } })
        await refresh()
        notifications.show({ message: t('revoke.done', { number: order.number }) })
      }}
    >
      <Stack>
        <Text>{t('revoke.text')}</Text>
        <NativeSelect
          label={t('revoke.reason')}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          data={REASONS.map((value) => ({ value, label: t(`revoke.reasons.${value}`) }))}
        />
      </Stack>
    </Confirm>
  )
}
