// SPDX-License-Identifier: Apache-2.0
// Who did what and when: every event of the account, newest first; operators see everybody's.
import { Anchor, Button, NativeSelect, Stack, Text, TextInput, Title } from '@mantine/core'
import { IconFilterOff, IconHistory } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi, useApiPages } from '@/api/client'
import { audit } from '@/sentences/say'
import { type Column, ResourceTable } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Moment } from '@/ui/Texts'
import { useTableState } from '@/ui/tableState'
import { Actor, useLogins } from './Actor'
import { EntryDialog } from './EntryDialog'
import { asked, day, PUBLISHERS, who } from './filters'
import { Subject } from './Subject'

export type Entry = Schemas['AuditEntry']
const PAGE = 50
const LAST_DAY = '9999-12-31'

export default function AuditPage() {
  const { t } = useTranslation(['audit', 'ui', 'sentences'])
  const state = useTableState()
  const [open, setOpen] = useState<Entry | null>(null)
  const users = useApi('/api/v1/users', { query: { limit: 200 } })
  const logins = useLogins(users.data?.items)
  const query = asked(state)
  const found = useApiPages('/api/v1/audit', { query: { ...query, total: true, limit: PAGE } }, { keepPrevious: true })
  const columns = useMemo<Column<Entry>[]>(
    () => [
      {
        key: 'at',
        title: t('column.at'),
        width: 190,
        noWrap: true,
        render: (row) => <Moment at={row.at} precision="second" />,
      },
      { key: 'who', title: t('column.who'), width: 190, render: (row) => <Actor actor={row.actor} logins={logins} /> },
      {
        key: 'what',
        title: t('column.what'),
        card: 'heading',
        render: (row) => (
          <>
            <Anchor component="button" type="button" inherit ta="left" className="wrap" onClick={() => setOpen(row)}>
              {audit(row)}
            </Anchor>
            <Text size="xs" c="dimmed" component="div">
              <code>{row.type}</code>
            </Text>
          </>
        ),
      },
      { key: 'subject', title: t('column.subject'), width: 190, render: (row) => <Subject entry={row} /> },
      { key: 'address', title: t('column.address'), optional: true, render: (row) => row.remote_address || '–' },
    ],
    [t, logins],
  )
  const actor = state.filters.actor ?? ''
  const people = [...logins].map(([id, login]) => ({ value: `user:${id}`, label: login }))
  const known = actor === '' || people.some((one) => one.value === actor)
  return (
    <Stack>
      <Title order={1}>{t('title')}</Title>
      <Text maw={720} c="dimmed">
        {t('intro')}
      </Text>
      <ResourceTable
        name="audit"
        label={t('title')}
        columns={columns}
        rowKey={(row) => String(row.position)}
        found={found}
        state={state}
        searchLabel={t('search')}
        csv={`/api/v1/audit.csv?${new URLSearchParams(query as Record<string, string>)}`}
        filters={
          <>
            <NativeSelect
              size="xs"
              label={t('by')}
              value={actor || (state.filters.people ? 'people' : '')}
              onChange={(event) => state.set(who(event.currentTarget.value))}
              data={[
                { value: '', label: t('everybody') },
                { value: 'people', label: t('people') },
                ...people,
                ...(known ? [] : [{ value: actor, label: actor }]),
              ]}
            />
            <NativeSelect
              size="xs"
              label={t('about')}
              value={state.filters.type ?? ''}
              onChange={(event) => state.set({ type: event.currentTarget.value })}
              data={[
                { value: '', label: t('everything') },
                ...PUBLISHERS.map((one) => ({ value: `${one}.`, label: t(`publisher.${one}`) })),
                ...(!state.filters.type || PUBLISHERS.some((one) => `${one}.` === state.filters.type)
                  ? []
                  : [{ value: state.filters.type, label: state.filters.type }]),
              ]}
            />
            {(['from', 'to'] as const).map((name) => (
              <TextInput
                key={name}
                size="xs"
                type="date"
                label={t(name)}
                max={LAST_DAY}
                value={day(state.filters[name])}
                onChange={(event) => state.set({ [name]: event.currentTarget.value })}
              />
            ))}
          </>
        }
        actions={
          Object.keys(query).length > 0 && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconFilterOff size={15} aria-hidden />}
              onClick={() => state.set({ search: '', actor: '', people: '', type: '', from: '', to: '' })}
            >
              {t('all')}
            </Button>
          )
        }
        empty={<Empty icon={IconHistory} title={t('empty.title')} text={t('empty.text')} />}
      />
      {open && (
        <EntryDialog
          entry={open}
          logins={logins}
          onClose={() => setOpen(null)}
          onlyBy={(by) => {
            setOpen(null)
            state.set(who(by))
          }}
          onlyType={(type) => {
            setOpen(null)
            state.set({ type })
          }}
        />
      )}
    </Stack>
  )
}
