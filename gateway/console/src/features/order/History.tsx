// SPDX-License-Identifier: Apache-2.0
import { Code, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { event } from '@/sentences/say'
import { Moment } from '@/ui/Texts'

/** The whole history of an order, oldest first; each event's own record opens on demand. */
export function History({ entries, until }: { entries: readonly Schemas['HistoryEntry'][]; until: string | null }) {
  const { t } = useTranslation(['order', 'sentences'])
  return (
    <section className="sheet" aria-label={t('history')}>
      <Stack gap="sm">
        <Title order={2}>{t('history')}</Title>
        <ol className="history">
          {entries.map((entry) => (
            <li key={entry.event_id} data-later={(until !== null && entry.occurred_at > until) || undefined}>
              <Moment at={entry.occurred_at} precision="second" />
              <div>
                <Text className="wrap">{event(entry)}</Text>
                <details>
                  <summary>
                    {t('event', { type: entry.type.replace('orders.', ''), actor: t(`by.${actorKind(entry.actor)}`) })}
                  </summary>
                  <Code block className="wrap">
                    {JSON.stringify(entry.data, null, 2)}
                  </Code>
                </details>
              </div>
            </li>
          ))}
        </ol>
      </Stack>
    </section>
  )
}

function actorKind(actor: string): string {
  const kind = actor.split(':')[0] ?? ''
  return ['user', 'token', 'agent', 'acme'].includes(kind) ? kind : 'system'
}
