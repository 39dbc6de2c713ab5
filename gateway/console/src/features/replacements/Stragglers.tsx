// SPDX-License-Identifier: Apache-2.0
// The orders of a replacement that are not done: where each stands, who must act, and how.
import { Anchor, Stack, Text, Title } from '@mantine/core'
import { IconCircleCheck } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type Schemas, useApiPages } from '@/api/client'
import { blockedOn } from '@/sentences/say'
import { type Column, ResourceTable, WHOLE } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Fqdn } from '@/ui/Texts'

type Late = Schemas['ReplacementOrder']
const LOOK_MS = 3_000

export function Stragglers({ one }: { one: Schemas['ReplacementView'] }) {
  // The sentences are loaded with the namespace.
  const { t } = useTranslation(['replacements', 'sentences'])
  const found = useApiPages(
    '/api/v1/replacements/{replacement_id}/orders',
    { path: { replacement_id: one.replacement_id }, query: { state: 'open', limit: 50 } },
    { every: LOOK_MS },
  )
  const columns: Column<Late>[] = [
    {
      key: 'order',
      title: t('order'),
      card: 'heading',
      render: (row) => (
        <Anchor component={Link} to={`/orders/${row.order_id}`} size="sm">
          {row.number}
        </Anchor>
      ),
    },
    { key: 'name', title: t('name'), render: (row) => <Fqdn name={row.common_name} /> },
    {
      key: 'stands',
      title: t('stands'),
      render: (row) => (
        <>
          {t(`state.${row.state}`)}
          <Text size="xs" c="dimmed">
            {t(`way.${row.way}`)}, {t('sites', { count: row.sites })}
          </Text>
        </>
      ),
    },
    {
      key: 'todo',
      title: t('todo'),
      render: (row) => (
        <Stack gap={2} className="wrap">
          {(row.blocked_on ?? []).map((each) => (
            <span key={`${each.reason} ${each.subject}`}>{blockedOn(each)}</span>
          ))}
        </Stack>
      ),
    },
  ]
  return (
    <section className="sheet" aria-label={t('stragglers')}>
      <Stack gap="xs">
        <Title order={2}>{t('stragglers')}</Title>
        <Text size="sm" c="dimmed">
          {t('stragglersText')}
        </Text>
        <ResourceTable
          name="stragglers"
          label={t('stragglers')}
          columns={columns}
          rowKey={(row) => row.order_id}
          found={found}
          state={WHOLE}
          empty={<Empty icon={IconCircleCheck} title={t('stragglers')} text={t('nobody')} />}
        />
      </Stack>
    </section>
  )
}
