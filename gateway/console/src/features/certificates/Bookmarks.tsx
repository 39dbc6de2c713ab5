// SPDX-License-Identifier: Apache-2.0
// Certificates that somebody took over from a scan (guide §8): on the sites pane, each with a flag.
import { ActionIcon, Button, Group, Stack, Title } from '@mantine/core'
import { IconFlag3Filled, IconTrash, IconZoomIn } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send, useApi } from '@/api/client'
import { useSession } from '@/app/session'
import { useConsole } from '@/app/useConsole'
import { Confirm } from '@/ui/Confirm'
import { type Column, ResourceTable, WHOLE } from '@/ui/ResourceTable'
import { Names } from '@/ui/Texts'
import { Until } from './Until'
import { useRenewal } from './useRenewal'

type Row = Schemas['InventoryCertificate']
const MOST = 100

export function Bookmarks({ onView }: { onView: (fingerprint: string) => void }) {
  const { t } = useTranslation(['certificates', 'ui'])
  const session = useSession()
  const { ca_brand } = useConsole()
  const renew = useRenewal()
  const [removed, setRemoved] = useState<Row | null>(null)
  const found = useApi('/api/v1/certificates', { query: { bookmarked: true, limit: MOST } })
  const may = session.customer && session.can('create_order')
  if ((found.data?.items.length ?? 0) === 0) return null
  const columns: Column<Row>[] = [
    {
      key: 'flag',
      title: t('flag.column'),
      width: 60,
      align: 'center',
      render: () => <IconFlag3Filled size={16} className="flag" role="img" aria-label={t('flag.one')} />,
    },
    {
      key: 'common_name',
      title: t('column.detected'),
      card: 'heading',
      render: (row) =>
        row.names.length > 0 ? <Names names={row.names} /> : <bdi className="wrap">{row.subject || row.serial}</bdi>,
    },
    {
      key: 'places',
      title: t('servedAt'),
      width: 190,
      render: (row) => <bdi className="wrap">{placesOf(row).join(', ') || '–'}</bdi>,
    },
    { key: 'issuer', title: t('brand'), width: 130, render: (row) => <bdi className="wrap">{row.brand || '–'}</bdi> },
    {
      key: 'not_after',
      title: t('column.to'),
      width: 120,
      render: (row) => <Until at={row.not_after} daysLeft={row.days_left} />,
    },
    {
      key: 'actions',
      title: t('column.actions'),
      card: 'foot',
      width: 170,
      render: (row) => (
        <Group gap={4} wrap="nowrap">
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('viewOf', { name: nameOf(row) })}
            title={t('view')}
            onClick={() => onView(row.fingerprint_sha256)}
          >
            <IconZoomIn size={17} />
          </ActionIcon>
          {may && (
            <>
              <Button
                size="xs"
                variant="default"
                aria-label={t('renewOf', { name: nameOf(row), brand: ca_brand })}
                onClick={() => void renew({ order_id: row.order_id, common_name: nameOf(row) })}
              >
                {t('renew')}
              </Button>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t('flag.deleteOf', { name: nameOf(row) })}
                title={t('flag.delete')}
                onClick={() => setRemoved(row)}
              >
                <IconTrash size={17} />
              </ActionIcon>
            </>
          )}
        </Group>
      ),
    },
  ]
  const remove = async () => {
    if (!removed) return
    const path = { fingerprint_sha256: removed.fingerprint_sha256 }
    await send('delete', '/api/v1/bookmarks/{fingerprint_sha256}', { path })
    await queryClient.invalidateQueries({ queryKey: ['/api/v1/certificates'] })
  }
  return (
    <Stack gap="xs" component="section" aria-labelledby="bookmarks">
      <Title order={2} size="h3" id="bookmarks">
        {t('flag.title')}
      </Title>
      <ResourceTable
        name="bookmarks"
        label={t('flag.title')}
        columns={columns}
        rowKey={(row) => row.fingerprint_sha256}
        found={found}
        state={WHOLE}
        empty={null}
      />
      <Confirm
        opened={removed !== null}
        onClose={() => setRemoved(null)}
        title={t('flag.deleteOf', { name: removed ? nameOf(removed) : '' })}
        verb={t('flag.delete')}
        onConfirm={remove}
      >
        {t('flag.deleteText')}
      </Confirm>
    </Stack>
  )
}

function nameOf(row: Row): string {
  return row.names[0] || row.common_name || row.serial
}

function placesOf(row: Row): string[] {
  return row.places
    .filter((one) => one.source === 'agent' || one.source === 'scan')
    .map((one) => `${one.address || '*'}:${one.port}`)
}
