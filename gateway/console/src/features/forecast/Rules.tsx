// SPDX-License-Identifier: Apache-2.0
// What changes on which day, and whom it meets.
import { Alert, Stack, Text, Title } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { day } from '@/ui/format'

export function Rules({ forecast }: { forecast: Schemas['ForecastView'] }) {
  const { t } = useTranslation(['forecast', 'validation'])
  const { changes, methods } = forecast
  return (
    <>
      {methods.map((method) => (
        <Alert
          key={method.name}
          variant="light"
          color="ochre"
          icon={<IconAlertTriangle size={18} aria-hidden />}
          title={t('ends', { method: t(`validation:method.${method.name}`), day: day(method.ends) })}
        >
          <Text size="sm">
            {t('endsFor', {
              names: t('names', { count: method.names }),
              orders: t('ordersCount', { count: method.orders }),
              source: method.source,
            })}
          </Text>
        </Alert>
      ))}
      <section className="sheet" aria-label={t('rules')}>
        <Stack gap="xs">
          <Title order={2}>{t('rules')}</Title>
          {changes.length === 0 ? (
            <Text size="sm">{t('noRules')}</Text>
          ) : (
            <ul className="plain-list">
              {changes.map((change) => (
                <li key={`${change.since} ${change.table}`}>
                  <strong>{day(change.since)}</strong>: {t(`rule.${change.table}`, { count: change.days })}{' '}
                  <span className="dim">({change.source})</span>
                </li>
              ))}
            </ul>
          )}
        </Stack>
      </section>
    </>
  )
}
