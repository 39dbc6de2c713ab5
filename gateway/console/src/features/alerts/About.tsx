// SPDX-License-Identifier: Apache-2.0
import { Anchor, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import { alertSubject } from '@/app/alertText'
import { PAGES } from '@/app/pages'
import { Moment } from '@/ui/Texts'

const CERTIFICATES = PAGES.find((page) => page.key === 'certificates')

/** What the alert is about: its order where it has one, else the certificate in the inventory. */
export function About({ alert }: { alert: Schemas['AlertView'] }) {
  const { t } = useTranslation('alerts')
  const name = alert.names[0] ?? alert.serial
  const to = alert.order_id
    ? `/orders/${alert.order_id}`
    : alert.kind === 'low_balance'
      ? '/deposit'
      : name && CERTIFICATES && `/${CERTIFICATES.path}?search=${encodeURIComponent(name)}`
  return (
    <>
      {to ? (
        <Anchor component={Link} to={to} inherit className="wrap">
          <bdi>{alertSubject(alert)}</bdi>
        </Anchor>
      ) : (
        <bdi className="wrap">{alertSubject(alert)}</bdi>
      )}
      {alert.not_after && (
        <Text size="xs" c="dimmed">
          {t('until')} <Moment at={alert.not_after} precision="day" />
        </Text>
      )}
    </>
  )
}
