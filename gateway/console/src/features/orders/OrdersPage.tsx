// SPDX-License-Identifier: Apache-2.0
// The orders pane of the guide (§2), where the console opens.
import { Anchor, Button, NativeSelect, Stack, Title } from '@mantine/core'
import { IconCertificate, IconPlus } from '@tabler/icons-react'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type Schemas, useApi } from '@/api/client'
import { useSession } from '@/app/session'
import { ActionMenu } from '@/ui/ActionMenu'
import { money } from '@/ui/format'
import { type Column, ResourceTable } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Moment, Names } from '@/ui/Texts'
import { exported, useTableState } from '@/ui/tableState'
import { useOrderActions } from './actions'

type Row = Schemas['OrderSummary']
const DEFAULTS = { sort: '-number', size: 25 }
const STATES = [
  'awaiting_payment',
  'waiting_for_csr',
  'processing',
  'issued',
  'installed',
  'paid',
  'expired',
  'revoked',
  'cancelled',
  'rejected',
]

export default function OrdersPage() {
  const { t } = useTranslation(['orders', 'ui'])
  const session = useSession()
  const state = useTableState(DEFAULTS)
  const found = useApi('/api/v1/orders', { query: state.query }, { keepPrevious: true })
  const counts = useApi(
    '/api/v1/orders/counts',
    { query: state.search ? { search: state.search } : {} },
    { keepPrevious: true },
  )
  const { apply, dialogs } = useOrderActions()
  const mayBuy = session.customer && session.can('create_order')
  const columns = useMemo<Column<Row>[]>(
    () => [
      {
        key: 'number',
        title: t('column.number'),
        sort: true,
        card: 'heading',
        width: 84,
        render: (row) => (
          <Anchor component={Link} to={`/orders/${row.order_id}`} fw={600}>
            {row.number}
          </Anchor>
        ),
      },
      { key: 'product', title: t('column.product'), sort: true, render: (row) => row.product_name },
      {
        key: 'placed_at',
        title: t('column.placed'),
        sort: true,
        noWrap: true,
        render: (row) => <Moment at={row.placed_at} precision="day" />,
      },
      {
        key: 'expires_at',
        title: t('column.expires'),
        sort: true,
        noWrap: true,
        render: (row) => <Moment at={row.expires_at} precision="day" />,
      },
      {
        key: 'common_name',
        title: t('column.name'),
        sort: true,
        width: 200,
        render: (row) =>
          row.kind === 'topup' ? (
            t('topUp', { amount: (row.amount / 100).toFixed(2) })
          ) : (
            <Names names={[row.common_name, ...row.names.filter((name) => name !== row.common_name)]} />
          ),
      },
      {
        key: 'amount',
        title: t('column.amount'),
        sort: true,
        optional: true,
        align: 'right',
        render: (row) => money(row.amount, row.currency),
      },
      { key: 'status', title: t('column.status'), sort: true, render: (row) => <Status state={row.status} /> },
      {
        key: 'actions',
        title: t('column.actions'),
        card: 'foot',
        width: 265,
        render: (row) => (
          <ActionMenu
            allowed={row.allowed_actions}
            subject={t('order', { number: row.number })}
            onApply={(action) => apply(action, row)}
          />
        ),
      },
    ],
    [t, apply],
  )
  return (
    <Stack>
      <Title order={1}>{t('title')}</Title>
      <ResourceTable
        name="orders"
        label={t('title')}
        columns={columns}
        rowKey={(row) => row.order_id}
        found={found}
        state={state}
        searchLabel={t('search')}
        csv={`/api/v1/orders.csv?${exported(state)}`}
        filters={
          <NativeSelect
            size="xs"
            label={t('state')}
            value={state.filters.status ?? ''}
            onChange={(event) => state.set({ status: event.currentTarget.value })}
            data={[
              { value: '', label: t('all', { count: counts.data?.total ?? 0 }) },
              ...STATES.map((value) => ({
                value,
                label: `${t(`ui:state.${value}`)} (${counts.data?.by_status[value] ?? 0})`,
              })),
            ]}
          />
        }
        actions={
          mayBuy && (
            <Button component={Link} to="/buy" size="xs" leftSection={<IconPlus size={15} aria-hidden />}>
              {t('new')}
            </Button>
          )
        }
        empty={
          <Empty
            icon={IconCertificate}
            title={t('empty.title')}
            text={t(session.customer ? 'empty.text' : 'empty.operator')}
          >
            {mayBuy && (
              <Button component={Link} to="/buy">
                {t('empty.buy')}
              </Button>
            )}
            {mayBuy && (
              <Button component={Link} to="/servers" variant="default">
                {t('empty.agent')}
              </Button>
            )}
          </Empty>
        }
      />
      {dialogs}
    </Stack>
  )
}
