// SPDX-License-Identifier: Apache-2.0
// Where alerts go besides the mails of the settings, and how the last delivery went (check list 3.11).
import { ActionIcon, Button, Group, Stack, Text, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconEdit, IconPlus, IconSend, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send, useApi, useCommand } from '@/api/client'
import { useSession } from '@/app/session'
import { Confirm } from '@/ui/Confirm'
import { type Column, ResourceTable, WHOLE } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Moment } from '@/ui/Texts'
import { ChannelDialog } from './ChannelDialog'

type Channel = Schemas['ChannelView']
const PATH = '/api/v1/alert-channels'
const refresh = () => queryClient.invalidateQueries({ queryKey: [PATH] })

export function Channels() {
  const { t } = useTranslation(['alerts', 'ui'])
  const may = useSession().can('administer')
  const found = useApi(PATH, {}, { every: 20_000 })
  const test = useCommand('post', '/api/v1/alert-channels/{channel_id}/test', [PATH])
  const [changing, setChanging] = useState<Channel | 'new' | null>(null)
  const [removing, setRemoving] = useState<Channel | null>(null)
  const tried = async (channel: Channel) => {
    try {
      const { delivered, detail } = await test.mutateAsync({ path: { channel_id: channel.channel_id } })
      const message = t(delivered ? 'channel.arrived' : 'channel.notArrived', { name: channel.name, detail })
      notifications.show({ color: delivered ? undefined : 'vermilion', message })
    } catch (error) {
      notifications.show({ color: 'vermilion', message: (error as Error).message })
    }
  }
  const columns: Column<Channel>[] = [
    {
      key: 'name',
      title: t('channel.name'),
      card: 'heading',
      render: (row) => <bdi className="wrap">{row.name}</bdi>,
    },
    { key: 'kind', title: t('channel.kind'), render: (row) => t(`channel.kinds.${row.kind}`) },
    { key: 'target', title: t('channel.target'), render: (row) => <code className="wrap">{row.target}</code> },
    { key: 'digest', title: t('channel.digest'), render: (row) => t(`channel.digests.${row.digest}`) },
    {
      key: 'alerts',
      title: t('channel.alerts'),
      render: (row) => row.alerts.map((one) => t(`kind.${one}`)).join(', '),
      optional: true,
    },
    { key: 'last', title: t('channel.last'), render: (row) => <Last channel={row} /> },
    {
      key: 'actions',
      title: t('column.actions'),
      card: 'foot',
      render: (row) =>
        may && (
          <Group gap={4} wrap="nowrap">
            <Button
              size="xs"
              variant="default"
              leftSection={<IconSend size={14} aria-hidden />}
              aria-label={t('channel.testOf', row)}
              loading={test.isPending && test.variables?.path?.channel_id === row.channel_id}
              onClick={() => void tried(row)}
            >
              {t('channel.test')}
            </Button>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('channel.changeOf', row)}
              onClick={() => setChanging(row)}
            >
              <IconEdit size={16} />
            </ActionIcon>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('channel.removeOf', row)}
              onClick={() => setRemoving(row)}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        ),
    },
  ]
  return (
    <section aria-label={t('channel.title')}>
      <Stack gap="xs">
        <Title order={2}>{t('channel.title')}</Title>
        <Text c="dimmed" size="sm" maw={720}>
          {t('channel.text')}
        </Text>
        <ResourceTable
          name="alert-channels"
          label={t('channel.title')}
          columns={columns}
          rowKey={(row) => row.channel_id}
          found={found}
          state={WHOLE}
          actions={
            may && (
              <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setChanging('new')}>
                {t('channel.add')}
              </Button>
            )
          }
          empty={<Empty icon={IconSend} title={t('channel.emptyTitle')} text={t('channel.emptyText')} />}
        />
      </Stack>
      {changing && (
        <ChannelDialog
          channel={changing === 'new' ? undefined : changing}
          onKept={refresh}
          onClose={() => setChanging(null)}
        />
      )}
      <Confirm
        opened={removing !== null}
        onClose={() => setRemoving(null)}
        title={t('channel.removeOf', { name: removing?.name ?? '' })}
        verb={t('ui:remove')}
        onConfirm={async () => {
          await send('delete', '/api/v1/alert-channels/{channel_id}', {
            path: { channel_id: removing?.channel_id ?? '' },
          })
          await refresh()
        }}
      >
        {t('channel.removeText')}
      </Confirm>
    </section>
  )
}

function Last({ channel }: { channel: Channel }) {
  const { t } = useTranslation('alerts')
  if (!channel.enabled) return <Text size="sm">{t('channel.off')}</Text>
  if (!channel.last_result) return <Text size="sm">{t('channel.nothingYet')}</Text>
  return (
    <>
      <Status state={channel.last_result} />
      <Text size="xs" c="dimmed" className="wrap" maw={320}>
        <Moment at={channel.last_at} /> · {channel.last_detail}
      </Text>
    </>
  )
}
