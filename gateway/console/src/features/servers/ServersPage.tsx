// SPDX-License-Identifier: Apache-2.0
// Manage agents and servers (guide §3.1).
import { ActionIcon, Anchor, Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconDownload, IconEdit, IconPlus, IconServer, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type Schemas, send, useApi, useCommand } from '@/api/client'
import { useSession } from '@/app/session'
import { cure, serverCure } from '@/sentences/say'
import { Confirm } from '@/ui/Confirm'
import { type Column, ResourceTable, WHOLE } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Moment } from '@/ui/Texts'
import { AddAgent } from './AddAgent'
import { AddServer } from './AddServer'
import { DownloadAgain } from './DownloadAgain'
import { RenameDialog } from './RenameDialog'
import { VerifyAgent } from './VerifyAgent'

type Agent = Schemas['AgentView']
type Server = Schemas['ServerView']
const OLD = ['/api/v1/agents', '/api/v1/servers'] as const

export default function ServersPage() {
  const { t } = useTranslation(['servers', 'ui', 'sentences'])
  const session = useSession()
  const may = session.customer && session.can('create_order')
  const [adding, setAdding] = useState(false)
  const [verifying, setVerifying] = useState<Agent | null>(null)
  const [renaming, setRenaming] = useState<{ agent?: Agent; server?: Server } | null>(null)
  const [downloading, setDownloading] = useState<Agent | null>(null)
  const [removing, setRemoving] = useState<Agent | null>(null)
  const [addingServer, setAddingServer] = useState(false)
  const [leaving, setLeaving] = useState<Server | null>(null)
  const agents = useApi('/api/v1/agents', { query: { limit: 200 } }, { every: 20_000 })
  const servers = useApi('/api/v1/servers', { query: { limit: 200 } }, { every: 20_000 })
  const renameAgent = useCommand('patch', '/api/v1/agents/{agent_id}', OLD)
  const renameServer = useCommand('patch', '/api/v1/servers/{server_id}', OLD)
  const agentColumns: Column<Agent>[] = [
    {
      key: 'name',
      title: t('agent.name'),
      card: 'heading',
      render: (row) => (
        <>
          <Text span fw={600} c={row.state === 'outdated' ? 'var(--mantine-color-error)' : undefined}>
            <bdi>{row.name}</bdi>
          </Text>
          {row.cure && (
            <Text size="xs" c="dimmed" maw={360}>
              {cure(row)}
            </Text>
          )}
        </>
      ),
    },
    { key: 'state', title: t('agent.state'), render: (row) => <Status state={row.state} /> },
    { key: 'uid', title: t('agent.uid'), render: (row) => <code>{row.uid}</code>, optional: true },
    { key: 'version', title: t('agent.version'), render: (row) => row.version || t('undefined') },
    { key: 'os', title: t('agent.os'), render: (row) => row.os || '–' },
    { key: 'created', title: t('agent.created'), render: (row) => <Moment at={row.created_at} precision="day" /> },
    {
      key: 'actions',
      title: t('actions'),
      card: 'foot',
      render: (row) =>
        may && (
          <Group gap={4} wrap="nowrap">
            {row.state === 'unverified' && (
              <Button size="xs" variant="light" onClick={() => setVerifying(row)}>
                {t('verify.button')}
              </Button>
            )}
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('downloadOf', { name: row.name })}
              onClick={() => setDownloading(row)}
            >
              <IconDownload size={16} />
            </ActionIcon>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('renameOf', { name: row.name })}
              onClick={() => setRenaming({ agent: row })}
            >
              <IconEdit size={16} />
            </ActionIcon>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('removeOf', { name: row.name })}
              onClick={() => setRemoving(row)}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        ),
    },
  ]
  const serverColumns: Column<Server>[] = [
    {
      key: 'name',
      title: t('server.name'),
      card: 'heading',
      render: (row) => (
        <>
          <Text span fw={600} c={row.state === 'host_key_changed' ? 'var(--mantine-color-error)' : undefined}>
            <bdi>{row.name}</bdi>
          </Text>
          <ServerTrouble server={row} />
        </>
      ),
    },
    { key: 'state', title: t('server.state'), render: (row) => <Status state={row.state} /> },
    { key: 'agent', title: t('server.agent'), render: (row) => <bdi>{row.agent_name}</bdi> },
    { key: 'address', title: t('server.address'), render: (row) => <span className="wrap">{wayTo(row)}</span> },
    { key: 'os', title: t('server.os'), render: (row) => row.os || '–' },
    { key: 'web', title: t('server.web'), render: (row) => row.web_servers.join(', ') || '–' },
    { key: 'sites', title: t('server.sites'), render: (row) => <Sites server={row} /> },
    { key: 'created', title: t('server.created'), render: (row) => <Moment at={row.created_at} precision="day" /> },
    {
      key: 'actions',
      title: t('actions'),
      card: 'foot',
      render: (row) =>
        may && (
          <Group gap={4} wrap="nowrap">
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('renameOf', { name: row.name })}
              onClick={() => setRenaming({ server: row })}
            >
              <IconEdit size={16} />
            </ActionIcon>
            {row.remote && (
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t('removeOf', { name: row.name })}
                onClick={() => setLeaving(row)}
              >
                <IconTrash size={16} />
              </ActionIcon>
            )}
          </Group>
        ),
    },
  ]
  const subject = renaming?.agent ?? renaming?.server
  return (
    <Stack gap="lg">
      <Title order={1}>{t('title')}</Title>
      <Text maw={720}>{t('intro')}</Text>
      <section aria-label={t('agentList')}>
        <Title order={2}>{t('agents')}</Title>
        <ResourceTable
          name="agents"
          label={t('agents')}
          columns={agentColumns}
          rowKey={(row) => row.agent_id}
          found={agents}
          state={WHOLE}
          actions={
            may && (
              <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setAdding(true)}>
                {t('add.button')}
              </Button>
            )
          }
          empty={<Empty icon={IconServer} title={t('empty.title')} text={t('empty.text')} />}
        />
      </section>
      {(servers.data?.items.length ?? 0) > 0 && (
        <section aria-label={t('serverList')}>
          <Title order={2}>{t('servers')}</Title>
          <ResourceTable
            name="servers"
            label={t('servers')}
            columns={serverColumns}
            rowKey={(row) => row.server_id}
            found={servers}
            state={WHOLE}
            actions={
              may && (
                <Button
                  size="xs"
                  variant="light"
                  leftSection={<IconPlus size={15} aria-hidden />}
                  onClick={() => setAddingServer(true)}
                >
                  {t('addServer.button')}
                </Button>
              )
            }
            empty={null}
          />
        </section>
      )}
      {adding && (
        <AddAgent
          onClose={() => setAdding(false)}
          onVerify={(agent) => {
            setAdding(false)
            setVerifying(agent)
          }}
        />
      )}
      {addingServer && <AddServer onClose={() => setAddingServer(false)} />}
      {downloading && <DownloadAgain agent={downloading} onClose={() => setDownloading(null)} />}
      {verifying && <VerifyAgent agent={verifying} onClose={() => setVerifying(null)} />}
      {renaming && subject && (
        <RenameDialog
          name={subject.name}
          onClose={() => setRenaming(null)}
          onSend={(name) =>
            renaming.agent
              ? renameAgent.mutateAsync({ path: { agent_id: renaming.agent.agent_id }, body: { name } })
              : renameServer.mutateAsync({ path: { server_id: renaming.server?.server_id ?? '' }, body: { name } })
          }
        />
      )}
      <Confirm
        opened={removing !== null}
        onClose={() => setRemoving(null)}
        title={t('remove.title')}
        verb={t('ui:remove')}
        typed={removing?.name ?? ''}
        onConfirm={async () => {
          await send('delete', '/api/v1/agents/{agent_id}', { path: { agent_id: removing?.agent_id ?? '' } })
          await Promise.all([agents.refetch(), servers.refetch()])
        }}
      >
        {t('remove.text')}
      </Confirm>
      <Confirm
        opened={leaving !== null}
        onClose={() => setLeaving(null)}
        title={t('leave.title')}
        verb={t('ui:remove')}
        typed={leaving?.name ?? ''}
        onConfirm={async () => {
          await send('delete', '/api/v1/servers/{server_id}', { path: { server_id: leaving?.server_id ?? '' } })
          await servers.refetch()
        }}
      >
        {t('leave.text')}
      </Confirm>
    </Stack>
  )
}

/** Why nothing can be done on a server, what was seen, and the cure; of a changed host key both fingerprints. */
function ServerTrouble({ server }: { server: Server }) {
  const { t } = useTranslation(['servers', 'sentences'])
  if (server.state === 'connected') return null
  const keys = server.host_key_seen
    ? ([
        ['keyBefore', server.host_key],
        ['keyNow', server.host_key_seen],
      ] as const)
    : []
  return (
    <Stack gap={2} maw={380}>
      <Text size="xs" c="dimmed">
        {serverCure(server)}
      </Text>
      {keys.map(([label, key]) => (
        <Text key={label} size="xs">
          {t(`server.${label}`)} <code className="wrap">{key}</code>
        </Text>
      ))}
      {server.detail && keys.length === 0 && (
        <Text size="xs" className="wrap">
          {t('sentences:verbatim', { detail: server.detail })}
        </Text>
      )}
    </Stack>
  )
}

/** As the agent goes there: its user, its address, and its port where that is not the usual one. */
function wayTo(server: Server): string {
  if (!server.remote) return server.address || '–'
  const port = server.port === 22 ? '' : ` :${server.port}`
  return `${server.user}@${server.address}${port}`
}

/** How many sites, and the way to those with findings. */
function Sites({ server }: { server: Server }) {
  const { t } = useTranslation('servers')
  if (server.sites_amiss === 0) return <>{server.sites}</>
  return (
    <>
      {server.sites} ·{' '}
      <Anchor
        component={Link}
        to={`/sites?server_id=${server.server_id}&amiss=true`}
        size="sm"
        c="var(--mantine-color-error)"
      >
        {t('server.amiss', { count: server.sites_amiss })}
      </Anchor>
    </>
  )
}
