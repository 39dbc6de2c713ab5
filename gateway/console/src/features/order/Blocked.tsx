// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconBuildingBank, IconRobot, IconServer, IconUser, type TablerIcon } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Order } from '@/api/client'
import { useSession } from '@/app/session'
import { blockedOn } from '@/sentences/say'

const ACTORS: Record<string, TablerIcon> = {
  customer: IconUser,
  operator: IconBuildingBank,
  certwright: IconRobot,
  agent: IconServer,
}

// "You" is who reads it.
const TO_OPERATORS: Record<string, string> = { customer: 'theCustomer', operator: 'customer' }

/** What the order waits for: who must act, and how. In the reader's language. */
export function Blocked({ order, acting, onAct }: { order: Order; acting: boolean; onAct: (action: string) => void }) {
  const { t } = useTranslation(['order', 'ui', 'sentences'])
  const { customer } = useSession()
  if (order.blocked_on.length === 0) return null
  return (
    <section className="waits" aria-label={t('waits')}>
      <Title order={2}>{t('waits')}</Title>
      <Stack gap="xs" mt="xs" aria-live="polite">
        {order.blocked_on.map((one) => {
          const Icon = ACTORS[one.actor] ?? IconUser
          return (
            <Group key={`${one.reason} ${one.subject}`} wrap="nowrap" align="flex-start" gap="sm">
              <span className="waits-actor">
                <Icon size={17} aria-hidden />
                {t(`actor.${customer ? one.actor : (TO_OPERATORS[one.actor] ?? one.actor)}`)}
              </span>
              <Text className="wrap" flex={1}>
                {blockedOn(one)}
              </Text>
              {acting && one.action && order.allowed_actions.includes(one.action) && (
                <Button
                  size="xs"
                  variant="light"
                  onClick={() => onAct(one.action)}
                  aria-label={`${t(`ui:action.${one.action}`)} ${one.subject}`}
                >
                  {t('doIt')}
                </Button>
              )}
            </Group>
          )
        })}
      </Stack>
    </section>
  )
}
