// SPDX-License-Identifier: Apache-2.0
import { IconAlertTriangle, IconClock } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Moment } from '@/ui/Texts'

const SOON_DAYS = 30

/** The end of a certificate and how far off it is; what needs somebody soon has an icon and a colour too. */
export function Until({ at, daysLeft, exact = false }: { at: string; daysLeft: number; exact?: boolean }) {
  const { t } = useTranslation('certificates')
  const over = Date.parse(at) <= Date.now()
  const urgency = over ? 'over' : daysLeft < SOON_DAYS ? 'soon' : 'far'
  const Icon = over ? IconAlertTriangle : IconClock
  return (
    <span className="until" data-urgency={urgency}>
      <Moment at={at} precision={exact ? 'second' : 'day'} />
      <span className="until-left">
        {urgency !== 'far' && <Icon size={13} aria-hidden />}
        {over ? t('expired') : daysLeft === 0 ? t('lastDay') : t('daysLeft', { count: daysLeft })}
      </span>
    </span>
  )
}
