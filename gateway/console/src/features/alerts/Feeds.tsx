// SPDX-License-Identifier: Apache-2.0
// Secret links that a calendar or a feed reader subscribes to (check list 3.11).
import { Button, Group, Modal, Stack, Text, TextInput, Title } from '@mantine/core'
import { IconPlus, IconRss } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send, useApi } from '@/api/client'
import { Confirm } from '@/ui/Confirm'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'
import { type Column, ResourceTable, WHOLE } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { CopyLine, Moment } from '@/ui/Texts'

type Link = Schemas['FeedLinkView']
const PATH = '/api/v1/alert-feeds'
const refresh = () => queryClient.invalidateQueries({ queryKey: [PATH] })

export function Feeds() {
  const { t } = useTranslation('alerts')
  const found = useApi(PATH)
  const [making, setMaking] = useState(false)
  const [ending, setEnding] = useState<Link | null>(null)
  const columns: Column<Link>[] = [
    { key: 'name', title: t('feed.name'), card: 'heading', render: (row) => <bdi className="wrap">{row.name}</bdi> },
    { key: 'created', title: t('feed.created'), render: (row) => <Moment at={row.created_at} /> },
    {
      key: 'actions',
      title: t('column.actions'),
      card: 'foot',
      render: (row) => (
        <Button size="xs" variant="default" aria-label={t('feed.endOf', row)} onClick={() => setEnding(row)}>
          {t('feed.end')}
        </Button>
      ),
    },
  ]
  return (
    <section aria-label={t('feed.title')}>
      <Stack gap="xs">
        <Title order={2}>{t('feed.title')}</Title>
        <Text c="dimmed" size="sm" maw={720}>
          {t('feed.text')}
        </Text>
        <ResourceTable
          name="alert-feeds"
          label={t('feed.title')}
          columns={columns}
          rowKey={(row) => row.link_id}
          found={found}
          state={WHOLE}
          actions={
            <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setMaking(true)}>
              {t('feed.make')}
            </Button>
          }
          empty={<Empty icon={IconRss} title={t('feed.emptyTitle')} text={t('feed.emptyText')} />}
        />
      </Stack>
      {making && <MakeLink onClose={() => setMaking(false)} />}
      <Confirm
        opened={ending !== null}
        onClose={() => setEnding(null)}
        title={t('feed.endOf', { name: ending?.name ?? '' })}
        verb={t('feed.end')}
        onConfirm={async () => {
          await send('delete', '/api/v1/alert-feeds/{link_id}', { path: { link_id: ending?.link_id ?? '' } })
          await refresh()
        }}
      >
        {t('feed.endText')}
      </Confirm>
    </section>
  )
}

function MakeLink({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(['alerts', 'ui'])
  const [made, setMade] = useState<Schemas['NewFeedLink'] | null>(null)
  const { form, problem, sending, submit } = useApiForm({
    initial: { name: '' },
    check: { name: (text: string) => (text.trim() ? null : t('ui:missing')) } as never,
    send: async (body) => {
      setMade(await send('post', PATH, { body }))
      await refresh()
    },
  })
  if (made) {
    return (
      <Modal opened onClose={onClose} title={t('feed.made')} size="lg" closeOnClickOutside={false}>
        <Stack>
          <Text>{t('feed.once')}</Text>
          <CopyLine label={t('feed.calendar')} text={made.calendar_url} />
          <CopyLine label={t('feed.rss')} text={made.rss_url} />
          <Group justify="flex-end">
            <Button onClick={onClose}>{t('channel.stored')}</Button>
          </Group>
        </Stack>
      </Modal>
    )
  }
  return (
    <FormDialog title={t('feed.make')} form={{ problem, sending, submit }} verb={t('feed.make')} onClose={onClose}>
      <TextInput
        label={t('feed.name')}
        description={t('feed.nameHint')}
        withAsterisk
        autoComplete="off"
        data-autofocus
        {...form.getInputProps('name')}
      />
    </FormDialog>
  )
}
