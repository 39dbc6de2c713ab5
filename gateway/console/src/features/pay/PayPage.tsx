// SPDX-License-Identifier: Apache-2.0
// The payment page (guide §6). Card data is typed on the provider's own page; neither this page nor our server sees it.
import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'
import { type Order, type Schemas, useApi } from '@/api/client'
import { money } from '@/ui/format'
import { Asked } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Facts } from '@/ui/Texts'
import { PayerForm } from './PayerForm'
import { PaymentHelp } from './PaymentHelp'

export default function PayPage() {
  const { t } = useTranslation('pay')
  const { orderId = '' } = useParams()
  const path = { order_id: orderId }
  const order = useApi('/api/v1/orders/{order_id}', { path })
  const charge = useApi('/api/v1/orders/{order_id}/payment', { path })
  const account = useApi('/api/v1/account')
  return (
    <Asked query={order}>
      {(found) => (
        <div className="wizard-with-aside">
          <Stack>
            <Title order={1}>{t('title')}</Title>
            <section className="sheet" aria-label={t('title')}>
              <Stack>
                <Facts
                  facts={[
                    [t('number'), String(found.number)],
                    [t('product'), found.product_name],
                    [t('amount'), <b key="amount">{money(found.amount, found.currency)}</b>],
                    [t('status'), <Status key="status" state={found.status} />],
                  ]}
                />
                <Standing order={found} charge={charge.data} />
                {found.status === 'awaiting_payment' && charge.data?.status !== 'refused' && (
                  <Asked query={account}>
                    {(mine) => <PayerForm order={found} account={mine} begun={charge.data?.status === 'started'} />}
                  </Asked>
                )}
              </Stack>
            </section>
          </Stack>
          <PaymentHelp company={account.data?.company.name} />
        </div>
      )}
    </Asked>
  )
}

interface StandingProps {
  order: Order
  charge: Schemas['ChargeView'] | undefined
}

/** How the payment stands, where that is more than "open". */
function Standing({ order, charge }: StandingProps) {
  const { t } = useTranslation('pay')
  const toOrder = (
    <Button component={Link} to={`/orders/${order.order_id}`} size="xs">
      {t('toOrder')}
    </Button>
  )
  if (charge?.status === 'refused')
    return (
      <Alert color="vermilion" variant="light" role="alert" title={t('refused')}>
        <Stack gap="xs" align="flex-start">
          <Text size="sm">{charge.decline_reason}</Text>
          {toOrder}
        </Stack>
      </Alert>
    )
  if (order.status === 'awaiting_payment')
    return (
      <>
        {charge?.decline_reason && (
          <Alert color="vermilion" variant="light" role="alert" title={t('declined')}>
            {charge.decline_reason}
          </Alert>
        )}
        {charge?.status === 'started' && (
          <Alert color="ochre" variant="light" role="status">
            {t('begun')}
          </Alert>
        )}
      </>
    )
  const given_up = order.status === 'cancelled' || order.status === 'rejected'
  return (
    <Alert color={given_up ? 'gray' : 'pine'} variant="light" role="status">
      <Group justify="space-between">
        <Text size="sm">{t(given_up ? 'wasCancelled' : 'settled')}</Text>
        {toOrder}
      </Group>
    </Alert>
  )
}
