// SPDX-License-Identifier: Apache-2.0
import { Anchor, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useApi } from '@/api/client'
import { alertText } from '../alertText'

const NEWEST = 3

/** The newest open alerts (guide §2). */
export function AlertsPanel() {
  const { t } = useTranslation('app')
  const found = useApi('/api/v1/alerts', { query: { state: 'open', limit: NEWEST } })
  if (!found.data) return null
  return (
    <section className="rail-panel" aria-label={t('alerts.title')}>
      <Text className="rail-group">{t('alerts.title')}</Text>
      {found.data.items.length === 0 && <Text className="rail-note">{t('alerts.none')}</Text>}
      <ul className="rail-alerts">
        {found.data.items.map((alert) => (
          <li key={alert.alert_id}>
            <IconAlertTriangle size={13} aria-hidden />
            <span className="wrap">{alertText(alert)}</span>
          </li>
        ))}
      </ul>
      <Anchor component={Link} to="/alerts" className="rail-more" px="sm">
        {t('alerts.more')}
      </Anchor>
    </section>
  )
}
