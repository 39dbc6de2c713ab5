// SPDX-License-Identifier: Apache-2.0
// Vouchers for whoever runs this installation: what there is, how often each was used, a new one, and an end.
import { Button, Stack, Text, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconDiscount2, IconPlus } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send, useApi } from '@/api/client'
import { Confirm } from '@/ui/Confirm'
import { money } from '@/ui/format'
import { type Column, ResourceTable } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Moment } from '@/ui/Texts'
import { useTableState } from '@/ui/tableState'
import { MakeVoucher } from './MakeVoucher'

type Voucher = Schemas['VoucherView']
const LIST = '/api/v1/operator/vouchers'

export default function VouchersPage() {
  const { t } = useTranslation(['vouchers', 'ui'])
  const state = useTableState()
  const found = useApi(LIST, { query: state.query }, { keepPrevious: true })
  const products = useApi('/api/v1/products')
  const [making, setMaking] = useState(false)
  const [ending, setEnding] = useState<Voucher | null>(null)
  const columns = useMemo(() => {
    const named = (code: string) => products.data?.items.find((each) => each.code === code)?.name ?? code
    return columnsOf(t, named, setEnding)
  }, [t, products.data])
  const add = (
    <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setMaking(true)}>
      {t('new')}
    </Button>
  )
  return (
    <Stack>
      <Title order={1}>{t('title')}</Title>
      <Text maw={720}>{t('intro')}</Text>
      <ResourceTable
        name="vouchers"
        label={t('title')}
        columns={columns}
        rowKey={(row) => row.code}
        found={found}
        state={state}
        actions={add}
        empty={<Empty icon={IconDiscount2} title={t('empty.title')} text={t('empty.text')} />}
      />
      {making && products.data && <MakeVoucher products={products.data.items} onClose={() => setMaking(false)} />}
      <Confirm
        opened={ending !== null}
        onClose={() => setEnding(null)}
        title={t('end.title', { code: ending?.code })}
        verb={t('end.verb')}
        typed={ending?.code ?? ''}
        onConfirm={async () => {
          const code = ending?.code ?? ''
          await send('delete', `${LIST}/{code}`, { path: { code } })
          await queryClient.invalidateQueries({ queryKey: [LIST] })
          notifications.show({ message: t('end.done', { code }) })
        }}
      >
        {t('end.text')}
      </Confirm>
    </Stack>
  )
}

type Say = (key: string, values?: Record<string, unknown>) => string

function columnsOf(t: Say, named: (code: string) => string, onEnd: (row: Voucher) => void): Column<Voucher>[] {
  return [
    {
      key: 'code',
      title: t('code'),
      card: 'heading',
      render: (row) => (
        <>
          <Text span fw={600} className="mono">
            {row.code}
          </Text>
          {row.note && (
            <Text size="xs" c="dimmed" className="wrap">
              <bdi>{row.note}</bdi>
            </Text>
          )}
        </>
      ),
    },
    { key: 'state', title: t('state'), render: (row) => <Status state={row.state} /> },
    {
      key: 'off',
      title: t('off'),
      align: 'right',
      render: (row) => (
        <span className="number">{row.percent ? `${row.percent} %` : money(row.amount, row.currency)}</span>
      ),
    },
    {
      key: 'uses',
      title: t('uses'),
      align: 'right',
      render: (row) => (
        <span className="number">
          {row.max_uses ? t('usesOf', { uses: row.uses, most: row.max_uses }) : String(row.uses)}
        </span>
      ),
    },
    { key: 'from', title: t('from'), render: (row) => <Moment at={row.valid_from} /> },
    { key: 'until', title: t('end.column'), render: (row) => <Moment at={row.ended_at ?? row.valid_until} /> },
    {
      key: 'products',
      title: t('products'),
      render: (row) => (
        <span className="wrap">{row.products.length ? row.products.map(named).join(', ') : t('allProducts')}</span>
      ),
    },
    { key: 'made', title: t('made'), render: (row) => <Moment at={row.made_at} />, optional: true },
    {
      key: 'actions',
      title: t('actions'),
      card: 'foot',
      render: (row) =>
        row.state !== 'ended' && (
          <Button
            size="xs"
            variant="default"
            aria-label={t('end.title', { code: row.code })}
            onClick={() => onEnd(row)}
          >
            {t('end.button')}
          </Button>
        ),
    },
  ]
}
