// SPDX-License-Identifier: Apache-2.0
import { Text } from '@mantine/core'
import {
  IconKey,
  IconPlugConnected,
  IconRobot,
  IconServer,
  IconUser,
  IconWorld,
  type TablerIcon,
} from '@tabler/icons-react'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { useSession } from '@/app/session'

const KINDS: Record<string, TablerIcon> = {
  user: IconUser,
  token: IconKey,
  agent: IconServer,
  acme: IconPlugConnected,
  system: IconRobot,
  public: IconWorld,
}

/** Logins by user id: those of the account, and the own one. */
export function useLogins(users: readonly Schemas['UserView'][] | undefined): ReadonlyMap<string, string> {
  const { user } = useSession()
  return useMemo(
    () => new Map([user, ...(users ?? [])].map((one): [string, string] => [one.user_id, one.login])),
    [users, user],
  )
}

/** Who acted: the kind in words, and the login where it is known, else the end of the id. */
export function Actor({ actor, logins }: { actor: string; logins: ReadonlyMap<string, string> }) {
  const { t } = useTranslation('audit')
  const [kind = '', id = ''] = actor.split(/:(.*)/s)
  const known = KINDS[kind] ? kind : 'public'
  const Icon = KINDS[known] ?? IconWorld
  const login = kind === 'user' ? logins.get(id) : undefined
  return (
    <span className="actor">
      <Icon size={15} aria-hidden />
      <span className="wrap">
        {login ? <bdi>{login}</bdi> : t(`actor.${known}`)}
        {(login || id) && (
          <Text size="xs" c="dimmed" title={actor}>
            {login ? t('actor.user') : known === 'system' ? id : <code>{id.slice(-8)}</code>}
          </Text>
        )}
      </span>
    </span>
  )
}
