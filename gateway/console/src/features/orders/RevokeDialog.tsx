// SPDX-License-Identifier: Apache-2.0
import { NativeSelect, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, send } from '@/api/client'
import { Confirm } from '@/ui/Confirm'
import type { OrderDialogProps } from './actions'

// RFC 5280 §5.3.1, as far as a subscriber may say them (BR 4.9.1.1).
const REASONS = ['unspecified', 'keyCompromise', 'affiliationChanged', 'superseded', 'cessationOfOperation'] as const

export default function RevokeDialog({ order, onClose }: OrderDialogProps) {
  const { t } = useTranslation('orders')
  const [reason, setReason] = useState<string>(REASONS[0])
  return (
    <Confirm
      opened
      onClose={onClose}
      title={t('revoke.title', { number: order.number })}
      verb={t('revoke.verb')}
      typed={String(order.number)}
      onConfirm={async () => {
        await send('post', '/api/v1/orders/{order_id}/revoke', { path: { order_id: order.order_id }, body: { reason } })
        await queryClient.invalidateQueries({ queryKey: ['/api/v1/orders'] })
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
