// SPDX-License-Identifier: Apache-2.0
import { Modal, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { OrderDialogProps } from './actions'

/** Says where invoices come from as long as this version makes none. */
export default function InvoiceDialog({ order, opened, onClose }: OrderDialogProps) {
  const { t } = useTranslation('orders')
  return (
    <Modal opened={opened} onClose={onClose} title={t('invoice.title', { number: order.number })}>
      <Text>{t('invoice.text')}</Text>
    </Modal>
  )
}
