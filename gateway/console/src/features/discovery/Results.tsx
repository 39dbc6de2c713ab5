// SPDX-License-Identifier: Apache-2.0
// What a scan found: the table of the guide (§8), each row with the way to a renewal, and the flag for what is kept.
import { ActionIcon, Button, NativeSelect, Text } from '@mantine/core'
import { IconBookmark, IconCertificateOff, IconZoomIn } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, send, useApi } from '@/api/client'
import { useSession } from '@/app/session'
import { useConsole } from '@/app/useConsole'
import { useRenewal } from '@/features/certificates/useRenewal'
import { Viewer } from '@/features/certificates/Viewer'
import { ActionMenu } from '@/ui/ActionMenu'
import { Confirm } from '@/ui/Confirm'
import { type Column, ResourceTable } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Moment, Names } from '@/ui/Texts'
import { exported, useTableState } from '@/ui/tableState'
import { OPEN } from './ScanState'
import { Validity } from './Validity'

type Result = Schemas['ScanResult']
const DEFAULTS = { sort: 'address', size: 25 }
const STATES = ['new', 'changed', 'same', 'gone', 'unseen']
const LOOK_MS = 2_000
const NO_SERVERS: ReadonlyMap<string, string> = new Map()

export function Results({ scan }: { scan: Schemas['ScanView'] }) {
  const { t } = useTranslation(['discovery', 'certificates', 'ui'])
  const session = useSession()
  const { ca_brand } = useConsole()
  const state = useTableState(DEFAULTS)
  const renew = useRenewal()
  const [viewed, setViewed] = useState<string | null>(null)
  const [selected, setSelected] = useState<Result[]>([])
  const [asking, setAsking] = useState(false)
  const path = { scan_id: scan.scan_id }
  const found = useApi(
    '/api/v1/scans/{scan_id}/results',
    { path, query: state.query },
    { keepPrevious: true, every: OPEN.includes(scan.state) && LOOK_MS },
  )
  const may = session.customer && session.can('create_order')
  const columns: Column<Result>[] = [
    {
      key: 'address',
      title: t('certificates:column.server'),
      sort: true,
      width: 150,
      render: (row) => (
        <span className="wrap">
          <bdi>{row.name || row.address}</bdi>
          <span className="kind-note">
            {row.name ? `${row.address}:${row.port}` : `:${row.port}`}
            {row.starttls && ` ${row.starttls.toUpperCase()}`}
          </span>
        </span>
      ),
    },
    {
      key: 'common_name',
      title: t('certificates:column.detected'),
      sort: true,
      card: 'heading',
      render: ({ certificate }) =>
        certificate.names.length > 0 ? (
          <Names names={certificate.names} />
        ) : (
          <bdi className="wrap">{certificate.common_name || t('certificates:noName')}</bdi>
        ),
    },
    {
      key: 'validity',
      title: t('column.validity'),
      width: 72,
      align: 'center',
      render: (row) => <Validity certificate={row.certificate} />,
    },
    {
      key: 'not_before',
      title: t('column.from'),
      sort: true,
      width: 100,
      render: (row) => <Moment at={row.certificate.not_before} precision="day" />,
    },
    {
      key: 'not_after',
      title: t('column.to'),
      sort: true,
      width: 100,
      render: (row) => <Moment at={row.certificate.not_after} precision="day" />,
    },
    {
      key: 'subject',
      title: t('certificates:column.subject'),
      sort: true,
      width: 150,
      render: (row) => <bdi className="wrap">{row.certificate.subject || '–'}</bdi>,
    },
    {
      key: 'state',
      title: t('column.state'),
      width: 92,
      render: (row) => (
        <Text span size="sm" fw={row.state === 'same' ? 400 : 600}>
          {t(`count.${row.state}`)}
        </Text>
      ),
    },
    {
      key: 'view',
      title: t('column.view'),
      width: 56,
      render: ({ certificate }) => (
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t('certificates:viewOf', { name: nameOf(certificate) })}
          title={t('certificates:view')}
          onClick={() => setViewed(certificate.fingerprint_sha256)}
        >
          <IconZoomIn size={17} />
        </ActionIcon>
      ),
    },
    {
      key: 'actions',
      title: t('column.actions'),
      card: 'foot',
      width: 250,
      render: (row) => (
        <ActionMenu
          allowed={may && nameOf(row.certificate) !== row.certificate.serial ? ['renew_with'] : []}
          subject={t('subject', { place: `${row.address}:${row.port}` })}
          word={() => t('renewWith', { brand: ca_brand })}
          onApply={() => void renew({ order_id: row.certificate.order_id, common_name: nameOf(row.certificate) })}
        />
      ),
    },
  ]
  const bookmark = async () => {
    const fingerprints = [...new Set(selected.map((row) => row.certificate.fingerprint_sha256))]
    await send('post', '/api/v1/bookmarks', { body: { fingerprints } })
    setSelected([])
    void found.refetch()
  }
  return (
    <>
      <ResourceTable
        name="scan"
        label={t('results')}
        columns={columns}
        rowKey={(row) => `${row.address}:${row.port} ${row.name}`}
        found={found}
        state={state}
        searchLabel={t('search')}
        csv={`/api/v1/scans/${scan.scan_id}/results.csv?${exported(state)}`}
        selection={may ? { selected, onChange: setSelected } : undefined}
        filters={
          <NativeSelect
            size="xs"
            label={t('column.state')}
            value={state.filters.state ?? ''}
            onChange={({ currentTarget: { value } }) => state.set({ state: value })}
            data={[
              { value: '', label: t('anyState') },
              ...STATES.map((value) => ({ value, label: t(`count.${value}`) })),
            ]}
          />
        }
        actions={
          may && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconBookmark size={15} aria-hidden />}
              disabled={selected.length === 0}
              onClick={() => setAsking(true)}
            >
              {t('bookmark.do')}
            </Button>
          )
        }
        empty={
          <Empty
            icon={IconCertificateOff}
            title={t(OPEN.includes(scan.state) ? 'empty.looking' : 'empty.nothing')}
            text={t(OPEN.includes(scan.state) ? 'empty.lookingText' : 'empty.nothingText')}
          />
        }
      />
      {viewed && <Viewer fingerprint={viewed} serverNames={NO_SERVERS} onClose={() => setViewed(null)} />}
      <Confirm
        opened={asking}
        onClose={() => setAsking(false)}
        title={t('bookmark.do')}
        verb={t('bookmark.ok')}
        harmless
        onConfirm={bookmark}
      >
        {t('bookmark.ask', { count: selected.length })}
      </Confirm>
    </>
  )
}

function nameOf(certificate: Schemas['InventoryCertificate']): string {
  return certificate.names[0] || certificate.common_name || certificate.serial
}
