// SPDX-License-Identifier: Apache-2.0
// Mass replacements, newest first, and the way to start one.
import { Anchor, Badge, Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconReplace } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'
import { type Schemas, useApiPages } from '@/api/client'
import { useSession } from '@/app/session'
import { moment } from '@/ui/format'
import { type Column, ResourceTable, WHOLE } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Moment } from '@/ui/Texts'
import { doneOf } from './clocks'
import { StartDialog } from './StartDialog'

type Replacement = Schemas['ReplacementView']

export default function ReplacementsPage() {
  const { t } = useTranslation(['replacements', 'ui'])
  const { can, permissions } = useSession()
  const go = useNavigate()
  const [starting, setStarting] = useState(false)
  const found = useApiPages('/api/v1/replacements')
  const columns: Column<Replacement>[] = [
    {
      key: 'started',
      title: t('list.started'),
      card: 'heading',
      render: (row) => (
        <Anchor component={Link} to={`/replacements/${row.replacement_id}`} size="sm">
          <Moment at={row.started_at} />
        </Anchor>
      ),
    },
    { key: 'why', title: t('list.why'), render: (row) => <bdi className="wrap">{row.reason}</bdi> },
    { key: 'state', title: t('list.state'), render: (row) => <State one={row} /> },
    {
      key: 'done',
      title: t('list.done'),
      align: 'right',
      render: (row) => <span className="number">{t('list.doneOf', { done: doneOf(row), all: row.orders })}</span>,
    },
    {
      key: 'late',
      title: t('list.late'),
      align: 'right',
      render: (row) => <span className="number">{row.open}</span>,
    },
    {
      key: 'view',
      title: t('list.view'),
      card: 'foot',
      render: (row) => (
        <Button
          component={Link}
          to={`/replacements/${row.replacement_id}`}
          size="xs"
          variant="default"
          aria-label={t('list.viewOf', { at: moment(row.started_at) })}
        >
          {t('list.view')}
        </Button>
      ),
    },
  ]
  const start =
    can('create_order') || permissions.includes('operator') ? (
      <Button size="xs" leftSection={<IconReplace size={15} aria-hidden />} onClick={() => setStarting(true)}>
        {t('start.verb')}
      </Button>
    ) : undefined
  return (
    <Stack>
      <Title order={1}>{t('title')}</Title>
      <Text maw={720}>{t('intro')}</Text>
      <ResourceTable
        name="replacements"
        label={t('title')}
        columns={columns}
        rowKey={(row) => row.replacement_id}
        found={found}
        state={WHOLE}
        actions={start}
        empty={<Empty icon={IconReplace} title={t('empty.title')} text={t('empty.text')} />}
      />
      {starting && (
        <StartDialog onStarted={(id) => void go(`/replacements/${id}`)} onClose={() => setStarting(false)} />
      )}
    </Stack>
  )
}

/** The status, and that it was an exercise. */
export function State({ one }: { one: Replacement }) {
  const { t } = useTranslation('replacements')
  return (
    <Group gap={6}>
      <Status state={one.status} />
      {one.exercise && (
        <Badge variant="outline" color="gray" radius="sm" tt="none">
          {t('exercise')}
        </Badge>
      )}
    </Group>
  )
}
