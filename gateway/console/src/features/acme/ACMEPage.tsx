// SPDX-License-Identifier: Apache-2.0
// Credentials for ACME clients: what there is and when each was used last, a new one with commands to paste, and an end.
import { Button, Stack, Text, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconPlugConnected, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send, useApi } from '@/api/client'
import { useSession } from '@/app/session'
import { Confirm } from '@/ui/Confirm'
import { type Column, ResourceTable, WHOLE } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { CopyLine, Moment } from '@/ui/Texts'
import { NewCredential } from './NewCredential'

type Credential = Schemas['ACMECredentialView']
const LIST = '/api/v1/acme/credentials'
const refresh = () => queryClient.invalidateQueries({ queryKey: [LIST] })

export default function ACMEPage() {
  const { t } = useTranslation(['acme', 'ui'])
  const { permissions } = useSession()
  const found = useApi(LIST, { query: { limit: 200 } })
  const products = useApi('/api/v1/products')
  const [making, setMaking] = useState(false)
  const [ending, setEnding] = useState<Credential | null>(null)
  const administers = permissions.includes('administer')
  const named = (code: string) => products.data?.items.find((each) => each.code === code)?.name ?? code
  const columns: Column<Credential>[] = [
    { key: 'name', title: t('name'), card: 'heading', render: (row) => <bdi className="wrap">{row.name}</bdi> },
    { key: 'key', title: t('keyId'), render: (row) => <code className="wrap">{row.credential_id}</code> },
    {
      key: 'product',
      title: t('buys'),
      render: (row) => t('product', { name: named(row.product), count: row.term_years }),
    },
    {
      key: 'clients',
      title: t('clients'),
      align: 'right',
      render: (row) => <span className="number">{row.acme_accounts}</span>,
    },
    { key: 'made', title: t('made'), render: (row) => <Moment at={row.created_at} precision="day" /> },
    {
      key: 'used',
      title: t('used'),
      render: (row) => (row.last_used_at ? <Moment at={row.last_used_at} relative /> : t('never')),
    },
  ]
  if (administers) {
    columns.push({
      key: 'actions',
      title: t('actions'),
      card: 'foot',
      render: (row) => (
        <Button
          size="xs"
          variant="default"
          aria-label={t('revoke.of', { name: row.name })}
          onClick={() => setEnding(row)}
        >
          {t('revoke.verb')}
        </Button>
      ),
    })
  }
  const add = (
    <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setMaking(true)}>
      {t('new.verb')}
    </Button>
  )
  return (
    <Stack>
      <Title order={1}>{t('title')}</Title>
      <Text maw={720}>{t('intro')}</Text>
      <CopyLine label={t('directory')} text={`${window.location.origin}/acme/directory`} />
      <ResourceTable
        name="acme"
        label={t('title')}
        columns={columns}
        rowKey={(row) => row.credential_id}
        found={found}
        state={WHOLE}
        actions={administers && permissions.includes('create_order') ? add : undefined}
        empty={<Empty icon={IconPlugConnected} title={t('empty.title')} text={t('empty.text')} />}
      />
      {making && products.data && (
        <NewCredential products={products.data.items} onMade={refresh} onClose={() => setMaking(false)} />
      )}
      <Confirm
        opened={ending !== null}
        onClose={() => setEnding(null)}
        title={t('revoke.of', { name: ending?.name ?? '' })}
        verb={t('revoke.verb')}
        onConfirm={async () => {
          const name = ending?.name ?? ''
          await send('delete', `${LIST}/{credential_id}`, { path: { credential_id: ending?.credential_id ?? '' } })
          await refresh()
          notifications.show({ message: t('revoke.done', { name }) })
        }}
      >
        {t('revoke.text', { count: ending?.acme_accounts ?? 0 })}
      </Confirm>
    </Stack>
  )
}
