// SPDX-License-Identifier: Apache-2.0
// The sites pane (guide §2): what the web servers serve, with which certificate, and the way to a better one.
import { Button, Group, Stack, Text, Title, Tooltip } from '@mantine/core'
import { IconLock, IconWorld } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type Schemas, useApi } from '@/api/client'
import { useSession } from '@/app/session'
import { Bookmarks } from '@/features/certificates/Bookmarks'
import { PaneSwitch } from '@/features/certificates/PaneSwitch'
import { Viewer } from '@/features/certificates/Viewer'
import { ServerFilter } from '@/features/servers/ServerFilter'
import { ActionMenu } from '@/ui/ActionMenu'
import { type Column, ResourceTable } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Moment } from '@/ui/Texts'
import { exported, useTableState } from '@/ui/tableState'
import { AmissFilter } from './AmissFilter'
import { bindingText, certificatesOf } from './bindings'
import { SiteCertificate } from './SiteCertificate'
import { SiteFindings } from './SiteFindings'
import { useSiteActions } from './useSiteActions'

type Site = Schemas['ListedSite']
const DEFAULTS = { sort: 'name', size: 25 }

export default function SitesPage() {
  const { t } = useTranslation(['sites', 'certificates', 'ui'])
  const session = useSession()
  const state = useTableState(DEFAULTS)
  const [viewed, setViewed] = useState<string | null>(null)
  const found = useApi('/api/v1/sites', { query: state.query }, { keepPrevious: true })
  const servers = useApi('/api/v1/servers', { query: { limit: 200 } })
  const { known, actionsOf, apply, word, dialogs } = useSiteActions(found.data?.items ?? [], setViewed)
  const serverNames = useMemo(
    () => new Map(servers.data?.items.map((one) => [one.server_id, one.name])),
    [servers.data],
  )
  const mayAdd = session.customer && session.can('create_order')
  const columns: Column<Site>[] = [
    {
      key: 'server',
      title: t('column.server'),
      sort: true,
      width: 100,
      render: (row) => <bdi className="wrap">{row.server_name || '–'}</bdi>,
    },
    {
      key: 'name',
      title: t('column.site'),
      sort: true,
      card: 'heading',
      width: 156,
      render: (row) => (
        <span className="wrap">
          <Text span fw={600} inherit>
            <bdi>{row.name}</bdi>
          </Text>
          <span className="kind-note">{t(`web.${row.web_server}`, { defaultValue: row.web_server })}</span>
        </span>
      ),
    },
    { key: 'bindings', title: t('column.bindings'), width: 176, render: (row) => <Bindings site={row} /> },
    {
      key: 'certificate',
      title: t('column.certificate'),
      render: (row) => {
        const served = certificatesOf(row)
        return (
          <>
            {served.length === 0 && <span className="dim">{t('none')}</span>}
            {served.map((one) => {
              const fingerprint = one.fingerprint_sha256.toLowerCase()
              return (
                <SiteCertificate
                  key={fingerprint}
                  served={one}
                  known={known.get(fingerprint)}
                  onView={() => setViewed(fingerprint)}
                />
              )
            })}
            <SiteFindings site={row} />
          </>
        )
      },
    },
    {
      key: 'reported',
      title: t('column.reported'),
      width: 100,
      render: (row) => <Moment at={row.last_reported_at} precision="stamp" />,
    },
    {
      key: 'actions',
      title: t('column.actions'),
      card: 'foot',
      width: 256,
      render: (row) => (
        <ActionMenu
          allowed={actionsOf(row)}
          subject={t('subject', { name: row.name })}
          word={word}
          onApply={(action) => apply(action, row)}
        />
      ),
    },
  ]
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>{t('title')}</Title>
        <PaneSwitch />
      </Group>
      <ResourceTable
        name="sites"
        label={t('title')}
        columns={columns}
        rowKey={(row) => row.site_id}
        found={found}
        state={state}
        searchLabel={t('search')}
        csv={`/api/v1/sites.csv?${exported(state)}`}
        filters={
          <>
            <ServerFilter state={state} />
            <AmissFilter state={state} />
          </>
        }
        empty={
          <Empty icon={IconWorld} title={t('empty.title')} text={t('empty.text')}>
            {mayAdd && (
              <Button component={Link} to="/servers">
                {t('empty.agent')}
              </Button>
            )}
          </Empty>
        }
      />
      <Bookmarks onView={setViewed} />
      {viewed && <Viewer fingerprint={viewed} serverNames={serverNames} onClose={() => setViewed(null)} />}
      {dialogs}
    </Stack>
  )
}

function Bindings({ site }: { site: Site }) {
  const { t } = useTranslation(['sites', 'ui'])
  return (
    <ul className="bindings">
      {site.bindings.map((one) => (
        <li key={`${one.address}:${one.port}:${one.names.join()}`}>
          {one.tls ? <IconLock size={13} role="img" aria-label={t('tls')} /> : <span />}
          <code>
            <bdi>{bindingText(one)}</bdi>
          </code>
          {one.names.length > 1 && (
            <Tooltip label={one.names.join('\n')} multiline style={{ whiteSpace: 'pre' }}>
              <Text span size="xs" c="dimmed" tabIndex={0}>
                {t('ui:more', { count: one.names.length - 1 })}
              </Text>
            </Tooltip>
          )}
        </li>
      ))}
    </ul>
  )
}
