// SPDX-License-Identifier: Apache-2.0
// An order's own page: what it waits for and who must act, what may be done, its certificates, its history, and how it
// was at any moment.
import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useParams } from 'react-router'
import { type Order, useApi } from '@/api/client'
import { useOrderActions } from '@/features/orders/actions'
import { why } from '@/sentences/say'
import { money } from '@/ui/format'
import { Asked, ProblemAlert } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Facts, Fqdn, Moment } from '@/ui/Texts'
import { AsOf } from './AsOf'
import { Blocked } from './Blocked'
import { Certificates } from './Certificates'
import { History } from './History'
import { Installations } from './Installations'
import { Journey } from './Journey'
import { Reissue } from './Reissue'
import { SitesAmiss } from './SitesAmiss'

const ENDS = ['revoke', 'cancel', 'reject']

export default function OrderPage() {
  const { orderId = '' } = useParams()
  const [asOf, setAsOf] = useState<string | null>(null)
  const path = { order_id: orderId }
  const now = useApi('/api/v1/orders/{order_id}', { path })
  const then = useApi(
    '/api/v1/orders/{order_id}',
    { path, query: { as_of: asOf ?? '' } },
    { enabled: asOf !== null, keepPrevious: true, staleTime: Number.POSITIVE_INFINITY },
  )
  const history = useApi('/api/v1/orders/{order_id}/history', { path, query: { limit: 200 } })
  if (now.error && !now.data) return <NoOrder problem={now.error} again={() => void now.refetch()} />
  return (
    <Asked query={now}>
      {(order) => (
        <Page order={asOf && then.data ? then.data : order} past={asOf} onNow={() => setAsOf(null)}>
          <Asked query={history}>
            {({ items }) => (
              <>
                <AsOf entries={items} at={asOf} onChange={setAsOf} />
                <History entries={items} until={asOf} />
              </>
            )}
          </Asked>
        </Page>
      )}
    </Asked>
  )
}

function NoOrder({ problem, again }: { problem: Error; again: () => void }) {
  const { t } = useTranslation('app')
  return (
    <Stack>
      <Title order={1}>{t('page.order')}</Title>
      <ProblemAlert problem={problem} again={again} />
    </Stack>
  )
}

function Page({
  order,
  past,
  onNow,
  children,
}: {
  order: Order
  past: string | null
  onNow: () => void
  children: React.ReactNode
}) {
  const { t } = useTranslation(['order', 'ui', 'sentences'])
  const { apply, dialogs } = useOrderActions()
  const first =
    order.blocked_on.find((one) => order.allowed_actions.includes(one.action))?.action ?? order.allowed_actions[0]
  const certificate = order.kind === 'certificate'
  return (
    <Stack gap="lg">
      <Group gap="sm" align="baseline">
        <Title order={1}>{certificate ? <bdi>{order.common_name}</bdi> : order.product_name}</Title>
        <Text c="dimmed">{t('number', { number: order.number })}</Text>
        <Status state={order.status} />
      </Group>
      {past && (
        <Alert color="ink" variant="light" icon={<IconHistory size={18} aria-hidden />} role="status">
          <Group justify="space-between">
            <Text size="sm">
              {t('past')} <Moment at={past} precision="second" />
            </Text>
            <Button size="xs" variant="default" onClick={onNow}>
              {t('backToNow')}
            </Button>
          </Group>
        </Alert>
      )}
      {certificate && <Journey order={order} />}
      <Blocked order={order} acting={past === null} onAct={(action) => apply(action, order)} />
      {past === null && order.allowed_actions.length > 0 && (
        <Group gap="xs" role="group" aria-label={t('actions')}>
          {order.allowed_actions.map((action) => (
            <Button
              key={action}
              size="xs"
              variant={action === first ? 'filled' : 'default'}
              color={ENDS.includes(action) ? 'vermilion' : undefined}
              onClick={() => apply(action, order)}
            >
              {t(`ui:action.${action}`)}
            </Button>
          ))}
        </Group>
      )}
      <section className="sheet" aria-label={t('facts')}>
        <Stack gap="sm">
          <Title order={2}>{t('facts')}</Title>
          <Facts
            facts={[
              [t('product'), order.product_name],
              [t('level'), order.validation_level],
              [t('price'), money(order.amount, order.currency)],
              [t('placed'), <Moment key="placed" at={order.placed_at} />],
              [t('channel'), order.channel ? t(`by.${order.channel}`) : ''],
              [t('term'), order.term_years ? t('years', { count: order.term_years }) : ''],
              [t('termEnds'), order.term_ends_at && <Moment key="term" at={order.term_ends_at} precision="day" />],
              [t('replacedAt'), order.reissue_at && <Reissue key="reissue" order={order} at={order.reissue_at} />],
              [t('organization'), order.organization?.name],
              [t('key'), order.key_reused ? t('keyReused') : ''],
              [t('failure'), why(order.last_failure_code, order.last_failure)],
            ]}
          />
          {certificate && (
            <>
              <Title order={3}>{t('names')}</Title>
              <ul className="name-list">
                {(order.authorizations.length > 0 ? order.authorizations : order.names.map(plain)).map((one) => (
                  <li key={one.fqdn}>
                    <Fqdn name={one.fqdn} strong />
                    <Status state={one.authorized ? 'valid' : 'open'} />
                    {one.expires_at && (
                      <Text span size="xs" c="dimmed">
                        {t('provedUntil')} <Moment at={one.expires_at} precision="day" />
                      </Text>
                    )}
                  </li>
                ))}
              </ul>
            </>
          )}
        </Stack>
      </section>
      {order.certificates.length > 0 && <Certificates order={order} />}
      {certificate && <SitesAmiss order={order} />}
      {certificate && <Installations order={order} />}
      {children}
      {dialogs}
    </Stack>
  )
}

function plain(fqdn: string): { fqdn: string; authorized: boolean; expires_at: string | null } {
  return { fqdn, authorized: false, expires_at: null }
}
