// SPDX-License-Identifier: Apache-2.0
import { notifications } from '@mantine/notifications'
import { useTranslation } from 'react-i18next'
import { queryClient, send } from '@/api/client'
import { Confirm } from '@/ui/Confirm'
import type { OrderDialogProps } from './actions'

export default function CancelDialog({ order, onClose }: OrderDialogProps) {
  const { t } = useTranslation('orders')
  return (
    <Confirm
      opened
      onClose={onClose}
      title={t('cancel.title', { number: order.number })}
      verb={t('cancel.verb')}
      typed={String(order.number)}
      onConfirm={async () => {
        await send('post', '/api/v1/orders/{order_id}/cancel', { path: { order_id: order.order_id } })
        await queryClient.invalidateQueries({ queryKey: ['/api/v1/orders'] })
        notifications.show({ message: t('cancel.done', { number: order.number }) })
      }}
    >
      {t('cancel.text')}
    </Confirm>
  )
}
