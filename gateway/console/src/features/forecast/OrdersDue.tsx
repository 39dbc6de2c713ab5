// SPDX-License-Identifier: Apache-2.0
// The orders that something is due for, the first of them first.
import { Anchor, Button, Table, Text, Title } from '@mantine/core'
import { IconFlagFilled } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import type { Schemas } from '@/api/client'
import { day, money } from '@/ui/format'
import { Fqdn, Moment } from '@/ui/Texts'

interface OrdersDueProps {
  forecast: Schemas['ForecastView']
  onView: (orderId: string) => void
}

export function OrdersDue({ forecast, onView }: OrdersDueProps) {
  const { t } = useTranslation('forecast')
  const { orders, orders_total, currency } = forecast
  return (
    <section className="sheet" aria-label={t('orders')}>
      <Title order={2}>{t('orders')}</Title>
      {orders_total > orders.length && (
        <Text size="sm" c="dimmed">
          {t('first', { count: orders.length, all: orders_total })}
        </Text>
      )}
      <Table.ScrollContainer minWidth={680} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
        <Table fz="sm" verticalSpacing={6} aria-label={t('orders')}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('order')}</Table.Th>
              <Table.Th>{t('name')}</Table.Th>
              <Table.Th>{t('next')}</Table.Th>
              <Table.Th ta="right">{t('count.reissues')}</Table.Th>
              <Table.Th ta="right">{t('count.renewals')}</Table.Th>
              <Table.Th ta="right">{t('count.validations')}</Table.Th>
              <Table.Th ta="right">{t('cost')}</Table.Th>
              <Table.Th>{t('steps')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {orders.map((one) => (
              <Table.Tr key={one.order_id}>
                <Table.Td>
                  <Anchor component={Link} to={`/orders/${one.order_id}`} size="sm">
                    {one.number}
                  </Anchor>
                </Table.Td>
                <Table.Td>
                  <Fqdn name={one.common_name} />
                  {one.names > 1 && (
                    <Text size="xs" c="dimmed">
                      {t('more', { count: one.names - 1 })}
                    </Text>
                  )}
                  {one.method_ends && (
                    <Text size="xs" className="flag">
                      <IconFlagFilled size={12} aria-hidden /> {t('methodEnds', { day: day(one.method_ends) })}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td>
                  {one.next_at ? (
                    <>
                      <Moment at={one.next_at} precision="day" />{' '}
                      <Text size="xs" c="dimmed">
                        {t(`kind.${one.next_kind}`)}
                      </Text>
                    </>
                  ) : (
                    '–'
                  )}
                </Table.Td>
                <Table.Td ta="right">{one.effort.reissues}</Table.Td>
                <Table.Td ta="right">{one.effort.renewals}</Table.Td>
                <Table.Td ta="right">{one.effort.validations}</Table.Td>
                <Table.Td ta="right">{one.priced ? money(one.effort.cost, currency) : t('noPrice')}</Table.Td>
                <Table.Td>
                  <Button
                    size="xs"
                    variant="default"
                    aria-label={t('stepsOf', { number: one.number })}
                    onClick={() => onView(one.order_id)}
                  >
                    {t('steps')}
                  </Button>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </section>
  )
}
