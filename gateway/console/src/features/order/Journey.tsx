// SPDX-License-Identifier: Apache-2.0
import { IconCheck } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Order } from '@/api/client'

const STEPS = ['placed', 'paid', 'csr', 'validated', 'issued', 'installed'] as const

/** How far an order has come on its way, from its own view. */
export function reached(order: Order): number {
  if (order.installations.some((one) => one.status === 'installed' && one.there)) return 6
  if (order.certificates.length > 0) return 5
  if (order.csr_version > 0 && order.authorizations.length > 0 && order.authorizations.every((one) => one.authorized))
    return 4
  if (order.csr_version > 0) return 3
  return order.status === 'awaiting_payment' || (order.status === 'cancelled' && order.version < 3) ? 1 : 2
}

export function Journey({ order }: { order: Order }) {
  const { t } = useTranslation('order')
  const done = reached(order)
  return (
    <ol className="journey" aria-label={t('way')}>
      {STEPS.map((step, index) => (
        <li key={step} data-done={index < done || undefined} aria-current={index === done ? 'step' : undefined}>
          <span className="journey-mark">
            {index < done ? <IconCheck size={13} aria-label={t('stepDone')} /> : index + 1}
          </span>
          {t(`step.${step}`)}
        </li>
      ))}
    </ol>
  )
}
