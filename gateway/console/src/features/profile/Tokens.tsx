// SPDX-License-Identifier: Apache-2.0
import { Button, Stack, Text, Title } from '@mantine/core'
import { IconKey, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send, useApi } from '@/api/client'
import { Confirm } from '@/ui/Confirm'
import { type Column, ResourceTable, WHOLE } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Moment } from '@/ui/Texts'
import { NewToken } from './NewToken'

type Row = Schemas['TokenView']
const refresh = () => queryClient.invalidateQueries({ queryKey: ['/api/v1/tokens'] })

/** The own API tokens. */
export function Tokens() {
  const { t } = useTranslation(['profile', 'ui'])
  const found = useApi('/api/v1/tokens', { query: { limit: 200 } })
  const [making, setMaking] = useState(false)
  const [ending, setEnding] = useState<Row | null>(null)
  const columns: Column<Row>[] = [
    { key: 'name', title: t('token.name'), card: 'heading', render: (row) => <bdi className="wrap">{row.name}</bdi> },
    { key: 'prefix', title: t('token.prefix'), render: (row) => <code>{row.prefix}…</code> },
    {
      key: 'permissions',
      title: t('rights'),
      render: (row) => row.permissions.map((each) => t(`ui:permission.${each}`)).join(', '),
    },
    { key: 'created', title: t('token.created'), render: (row) => <Moment at={row.created_at} precision="day" /> },
    {
      key: 'expires',
      title: t('token.expires'),
      render: (row) => (row.expires_at ? <Moment at={row.expires_at} precision="day" /> : t('token.never')),
    },
    { key: 'used', title: t('token.used'), render: (row) => <Moment at={row.last_used_at} relative /> },
    {
      key: 'actions',
      title: t('actions'),
      card: 'foot',
      render: (row) => (
        <Button
          size="xs"
          variant="default"
          aria-label={t('token.endOf', { name: row.name })}
          onClick={() => setEnding(row)}
        >
          {t('token.end')}
        </Button>
      ),
    },
  ]
  return (
    <section aria-label={t('token.title')}>
      <Stack gap="xs">
        <Title order={2}>{t('token.title')}</Title>
        <Text c="dimmed" size="sm">
          {t('token.text')}
        </Text>
        <ResourceTable
          name="tokens"
          label={t('token.title')}
          columns={columns}
          rowKey={(row) => row.token_id}
          found={found}
          state={WHOLE}
          actions={
            <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setMaking(true)}>
              {t('token.make')}
            </Button>
          }
          empty={<Empty icon={IconKey} title={t('token.emptyTitle')} text={t('token.emptyText')} />}
        />
      </Stack>
      {making && <NewToken onMade={refresh} onClose={() => setMaking(false)} />}
      <Confirm
        opened={ending !== null}
        onClose={() => setEnding(null)}
        title={t('token.endOf', { name: ending?.name ?? '' })}
        verb={t('token.end')}
        onConfirm={async () => {
          await send('delete', '/api/v1/tokens/{token_id}', { path: { token_id: ending?.token_id ?? '' } })
          await refresh()
        }}
      >
        {t('token.endText')}
      </Confirm>
    </section>
  )
}
