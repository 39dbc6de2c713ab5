// SPDX-License-Identifier: Apache-2.0
// The certificates pane (guide §2): every certificate that the account has, whoever issued it.
import { ActionIcon, Button, Group, NativeSelect, Stack, Title } from '@mantine/core'
import { IconCertificate, IconUpload, IconZoomIn } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type Schemas, useApi } from '@/api/client'
import { useSession } from '@/app/session'
import { useConsole } from '@/app/useConsole'
import { ServerFilter } from '@/features/servers/ServerFilter'
import { type Column, ResourceTable } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Moment, Names } from '@/ui/Texts'
import { exported, type TableState, useTableState } from '@/ui/tableState'
import { Expiring } from './Expiring'
import { KINDS, type Kind, KindText, kindOfFilters, ONLY } from './kind'
import { MoreFilters } from './MoreFilters'
import { PaneSwitch } from './PaneSwitch'
import { Until } from './Until'
import { UploadDialog } from './UploadDialog'
import { useRenewal } from './useRenewal'
import { Viewer } from './Viewer'

type Row = Schemas['InventoryCertificate']
const DEFAULTS = { sort: 'not_after', size: 25 }
const WINDOWS = ['30', '60', '90', '180']

export default function CertificatesPage() {
  const { t } = useTranslation(['certificates', 'ui'])
  const session = useSession()
  const { ca_brand } = useConsole()
  const state = useTableState(DEFAULTS)
  const [viewed, setViewed] = useState<string | null>(null)
  const [uploading, setUploading] = useState(false)
  const found = useApi('/api/v1/certificates', { query: state.query }, { keepPrevious: true })
  const servers = useApi('/api/v1/servers', { query: { limit: 200 } })
  const renew = useRenewal()
  const mayBuy = session.customer && session.can('create_order')
  const serverNames = useMemo(
    () => new Map(servers.data?.items.map((one) => [one.server_id, one.name])),
    [servers.data],
  )
  const serversOf = (row: Row) => [
    ...new Set(row.places.map((place) => serverNames.get(place.server_id) ?? '').filter((name) => name !== '')),
  ]
  const columns: Column<Row>[] = [
    { key: 'type', title: t('column.type'), width: 132, render: (row) => <KindText row={row} /> },
    {
      key: 'server',
      title: t('column.server'),
      width: 100,
      render: (row) => {
        const names = serversOf(row)
        return names.length > 0 ? <bdi className="wrap">{names.join(', ')}</bdi> : <span className="dim">–</span>
      },
    },
    {
      key: 'common_name',
      title: t('column.detected'),
      sort: true,
      card: 'heading',
      render: (row) =>
        row.names.length > 0 ? (
          <Names names={row.names} />
        ) : (
          <bdi className="wrap">{row.common_name || t('noName')}</bdi>
        ),
    },
    {
      key: 'not_before',
      title: t('column.from'),
      sort: true,
      width: 104,
      render: (row) => <Moment at={row.not_before} precision="day" />,
    },
    {
      key: 'not_after',
      title: t('column.to'),
      sort: true,
      width: 116,
      render: (row) => <Until at={row.not_after} daysLeft={row.days_left} />,
    },
    {
      key: 'subject',
      title: t('column.subject'),
      sort: true,
      width: 150,
      render: (row) => <bdi className="wrap">{row.subject || '–'}</bdi>,
    },
    {
      key: 'brand',
      title: t('brand'),
      width: 120,
      optional: true,
      render: (row) => <bdi className="wrap">{row.brand || '–'}</bdi>,
    },
    { key: 'level', title: t('level'), width: 90, optional: true, render: (row) => row.level || '–' },
    {
      key: 'key',
      title: t('key'),
      width: 110,
      optional: true,
      render: (row) => row.key_algorithm.replace(/^\w+/, (word) => word.toUpperCase()) || '–',
    },
    {
      key: 'owner',
      title: t('owner'),
      width: 110,
      optional: true,
      render: (row) => <bdi className="wrap">{[row.owner, ...row.tags].filter(Boolean).join(', ') || '–'}</bdi>,
    },
    {
      key: 'last_seen_at',
      title: t('column.seen'),
      sort: true,
      width: 100,
      render: (row) => <Moment at={row.last_seen_at} precision="stamp" />,
    },
    {
      key: 'actions',
      title: t('column.actions'),
      card: 'foot',
      width: 132,
      render: (row) => {
        const name = row.names[0] ?? row.common_name
        return (
          <Group gap={4} wrap="nowrap">
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('viewOf', { name: name || row.serial })}
              title={t('view')}
              onClick={() => setViewed(row.fingerprint_sha256)}
            >
              <IconZoomIn size={17} />
            </ActionIcon>
            {mayBuy && name && (
              <Button
                size="xs"
                variant="default"
                aria-label={t('renewOf', { name, brand: ca_brand })}
                onClick={() => void renew({ order_id: row.order_id, common_name: name })}
              >
                {t('renew')}
              </Button>
            )}
          </Group>
        )
      },
    },
  ]
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>{t('title')}</Title>
        <Group gap="xs">
          {mayBuy && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconUpload size={15} aria-hidden />}
              onClick={() => setUploading(true)}
            >
              {t('upload.open')}
            </Button>
          )}
          <PaneSwitch />
        </Group>
      </Group>
      <Expiring state={state} />
      <ResourceTable
        name="certificates"
        label={t('title')}
        columns={columns}
        rowKey={(row) => row.fingerprint_sha256}
        found={found}
        state={state}
        searchLabel={t('search')}
        csv={`/api/v1/certificates.csv?${exported(state)}`}
        filters={<Filters state={state} />}
        empty={
          <Empty icon={IconCertificate} title={t('empty.title')} text={t('empty.text')}>
            {mayBuy && (
              <Button component={Link} to="/buy">
                {t('empty.buy')}
              </Button>
            )}
            <Button component={Link} to="/servers" variant="default">
              {t('empty.agent')}
            </Button>
          </Empty>
        }
      />
      {uploading && <UploadDialog onClose={() => setUploading(false)} />}
      {viewed && <Viewer fingerprint={viewed} serverNames={serverNames} onClose={() => setViewed(null)} />}
    </Stack>
  )
}

function Filters({ state }: { state: TableState }) {
  const { t } = useTranslation('certificates')
  const { ca_brand } = useConsole()
  const { filters } = state
  const kind = kindOfFilters(filters)
  const end = filters.expired === 'true' ? 'expired' : (filters.expires_within_days ?? '')
  return (
    <>
      <NativeSelect
        size="xs"
        label={t('filter.end')}
        value={end}
        onChange={({ currentTarget: { value } }) =>
          state.set({
            expired: value === '' ? null : String(value === 'expired'),
            expires_within_days: value === 'expired' ? null : value,
          })
        }
        data={[
          { value: '', label: t('filter.anyEnd') },
          ...WINDOWS.map((days) => ({ value: days, label: t('withinDays', { count: Number(days) }) })),
          { value: 'expired', label: t('expired') },
        ]}
      />
      <NativeSelect
        size="xs"
        label={t('column.type')}
        value={kind}
        onChange={({ currentTarget: { value } }) =>
          state.set(value === '' ? { own: null, self_signed: null } : ONLY[value as Kind])
        }
        data={[
          { value: '', label: t('filter.anyKind') },
          ...KINDS.map((one) => ({ value: one, label: t(`bar.${one}`, { brand: ca_brand }) })),
        ]}
      />
      <ServerFilter state={state} />
      <MoreFilters state={state} />
    </>
  )
}
