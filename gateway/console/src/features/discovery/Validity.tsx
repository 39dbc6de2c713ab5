// SPDX-License-Identifier: Apache-2.0
import { IconAlertTriangle, IconCircleCheck, IconClock } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'

const SOON_DAYS = 30

/** The dot of the guide, with a form and a name of its own for each state. */
export function Validity({ certificate }: { certificate: Schemas['InventoryCertificate'] }) {
  const { t } = useTranslation('discovery')
  const now = Date.now()
  const state =
    Date.parse(certificate.not_after) <= now
      ? 'over'
      : Date.parse(certificate.not_before) > now
        ? 'early'
        : certificate.days_left < SOON_DAYS
          ? 'soon'
          : 'good'
  const Icon = { over: IconAlertTriangle, early: IconClock, soon: IconClock, good: IconCircleCheck }[state]
  return (
    <span className="validity" data-state={state} title={t(`validity.${state}`)}>
      <Icon size={16} role="img" aria-label={t(`validity.${state}`)} />
    </span>
  )
}
