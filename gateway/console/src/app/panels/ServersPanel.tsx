// SPDX-License-Identifier: Apache-2.0
import { Anchor, Text, Tooltip } from '@mantine/core'
import { IconCircleFilled, IconPlugConnectedX, IconRefreshAlert } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type Schemas, useApi } from '@/api/client'

/** Agents with their servers below, each with its state as icon and words (check list 3.07, 3.08). */
export function ServersPanel() {
  const { t } = useTranslation('app')
  const agents = useApi('/api/v1/agents', { query: { limit: 20 } }, { every: 20_000 })
  const servers = useApi('/api/v1/servers', { query: { limit: 50 } }, { every: 20_000 })
  if (!agents.data) return null
  return (
    <section className="rail-panel" aria-label={t('servers.title')}>
      <Text className="rail-group">{t('servers.title')}</Text>
      {agents.data.items.length === 0 && <Text className="rail-note">{t('servers.none')}</Text>}
      <ul className="server-tree">
        {agents.data.items.map((agent) => (
          <li key={agent.agent_id}>
            <Node name={agent.name} state={agent.state} cure={agent.cure} />
            <ul>
              {servers.data?.items
                .filter((server) => server.agent_id === agent.agent_id)
                .map((server) => (
                  <li key={server.server_id}>
                    <Node name={serverName(server)} state={server.state} cure={server.cure} />
                  </li>
                ))}
            </ul>
          </li>
        ))}
      </ul>
      <Anchor component={Link} to="/servers" className="rail-more" px="sm">
        {t('servers.more')}
      </Anchor>
    </section>
  )
}

function serverName(server: Schemas['ServerView']): string {
  return server.address ? `${server.name} (${server.address})` : server.name
}

function Node({ name, state, cure }: { name: string; state: string; cure: string }) {
  const { t } = useTranslation('ui')
  const word = t(`state.${state}`)
  const Icon = { outdated: IconRefreshAlert, connected: IconCircleFilled }[state] ?? IconPlugConnectedX
  return (
    <Tooltip label={cure ? `${word}: ${cure}` : word} multiline maw={280} position="right">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the state and its cure are reachable by keyboard */}
      <span className="server-node" data-state={state} tabIndex={0}>
        <Icon size={state === 'connected' ? 9 : 14} aria-hidden />
        <span className="server-name">{name}</span>
        <span className="server-state">{word}</span>
      </span>
    </Tooltip>
  )
}
