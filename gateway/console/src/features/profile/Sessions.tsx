// SPDX-License-Identifier: Apache-2.0
import { Badge, Button, Group, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, send, useApi, useCommand } from '@/api/client'
import { Confirm } from '@/ui/Confirm'
import { type Column, ResourceTable, WHOLE } from '@/ui/ResourceTable'
import { ProblemAlert } from '@/ui/Says'
import { Moment } from '@/ui/Texts'

type Row = Schemas['SessionView']

/** Browsers that are signed in; each can be ended, and all of them. */
export function Sessions() {
  const { t } = useTranslation(['profile', 'ui'])
  const found = useApi('/api/v1/sessions')
  const end = useCommand('delete', '/api/v1/sessions/{session_id}', ['/api/v1/sessions'])
  const [all, setAll] = useState(false)
  const columns: Column<Row>[] = [
    {
      key: 'address',
      title: t('session.address'),
      card: 'heading',
      render: (row) => (
        <Group gap="xs">
          <code>{row.remote_address}</code>
          {row.current && <Badge variant="light">{t('session.current')}</Badge>}
        </Group>
      ),
    },
    { key: 'created', title: t('session.created'), render: (row) => <Moment at={row.created_at} /> },
    { key: 'seen', title: t('session.seen'), render: (row) => <Moment at={row.last_seen_at} relative /> },
    { key: 'expires', title: t('session.expires'), render: (row) => <Moment at={row.expires_at} /> },
    {
      key: 'actions',
      title: t('actions'),
      card: 'foot',
      render: (row) =>
        row.current ? null : (
          <Button
            size="xs"
            variant="default"
            aria-label={t('session.endOf', { address: row.remote_address })}
            loading={end.isPending && end.variables?.path?.session_id === row.session_id}
            onClick={() => end.mutate({ path: { session_id: row.session_id } })}
          >
            {t('session.end')}
          </Button>
        ),
    },
  ]
  return (
    <section aria-label={t('session.title')}>
      <Stack gap="xs">
        <Title order={2}>{t('session.title')}</Title>
        <Text c="dimmed" size="sm">
          {t('session.text')}
        </Text>
        {end.error && <ProblemAlert problem={end.error} />}
        <ResourceTable
          name="sessions"
          label={t('session.title')}
          columns={columns}
          rowKey={(row) => row.session_id}
          found={found}
          state={WHOLE}
          actions={
            <Button size="xs" variant="default" onClick={() => setAll(true)}>
              {t('session.endAll')}
            </Button>
          }
          empty={null}
        />
      </Stack>
      <Confirm
        opened={all}
        onClose={() => setAll(false)}
        title={t('session.endAll')}
        verb={t('session.endAll')}
        onConfirm={async () => {
          await send('delete', '/api/v1/sessions')
          window.location.assign('/console/sign-in')
        }}
      >
        {t('session.endAllText')}
      </Confirm>
    </section>
  )
}
