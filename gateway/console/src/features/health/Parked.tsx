// SPDX-License-Identifier: Apache-2.0
// Events and jobs that failed too often and wait for a person.
import { Anchor, Button, Group, Stack, Table, Text, Title } from '@mantine/core'
import { IconChecks } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApiPages } from '@/api/client'
import { Asked } from '@/ui/Says'
import { Moment } from '@/ui/Texts'
import { ParkedDialog } from './ParkedDialog'

type Letter = Schemas['DeadLetter']

export function Parked({ services }: { services: Schemas['Health'][] }) {
  const { t } = useTranslation('health')
  const [open, setOpen] = useState<Letter | null>(null)
  const some = services.filter((one) => one.dead_letters > 0)
  return (
    <section className="sheet" aria-label={t('parked.title')}>
      <Stack gap="sm">
        <Title order={2}>{t('parked.title')}</Title>
        {some.length === 0 ? (
          <Group gap="xs">
            <IconChecks size={18} aria-hidden />
            <Text c="dimmed">{t('parked.none')}</Text>
          </Group>
        ) : (
          <Text c="dimmed">{t('parked.text')}</Text>
        )}
        {some.map(({ service, dead_letters }) => (
          // Asked again when their number changes: parked work has no event of its own.
          <OfService key={`${service} ${dead_letters}`} service={service} onOpen={setOpen} />
        ))}
      </Stack>
      {open && <ParkedDialog letter={open} onClose={() => setOpen(null)} />}
    </section>
  )
}

function OfService({ service, onOpen }: { service: string; onOpen: (letter: Letter) => void }) {
  const { t } = useTranslation(['health', 'ui'])
  const found = useApiPages('/api/v1/operator/services/{service}/dead-letters', {
    path: { service },
    query: { limit: 20 },
  })
  return (
    <div>
      <Title order={3}>{t(`service.${service}`)}</Title>
      <Asked query={found}>
        {({ items }) => (
          <Table.ScrollContainer
            minWidth={620}
            scrollAreaProps={{
              viewportProps: {
                tabIndex: 0,
                role: 'group',
                'aria-label': t('parked.of', { service: t(`service.${service}`) }),
              } as object,
            }}
          >
            <Table fz="sm" aria-label={t('parked.of', { service: t(`service.${service}`) })}>
              <Table.Thead>
                <Table.Tr>
                  {(['what', 'error', 'attempts', 'last'] as const).map((key) => (
                    <Table.Th key={key}>{t(`parked.${key}`)}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((one) => (
                  <Table.Tr key={one.id}>
                    <Table.Td>
                      <Anchor component="button" type="button" inherit ta="left" onClick={() => onOpen(one)}>
                        {one.name}
                      </Anchor>
                      <Text size="xs" c="dimmed">
                        {t(`parked.source.${one.source}`)} <code>{one.subject}</code>
                      </Text>
                    </Table.Td>
                    <Table.Td className="wrap">{reason(one.error)}</Table.Td>
                    <Table.Td>{one.attempts}</Table.Td>
                    <Table.Td>
                      <Moment at={one.last_failed_at} precision="second" />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Asked>
      {found.more && (
        <Button size="xs" variant="default" onClick={found.more}>
          {t('ui:showMore')}
        </Button>
      )}
    </div>
  )
}

/** The last line of a traceback says what went wrong. */
function reason(error: string): string {
  const last = error.trim().split('\n').at(-1) ?? ''
  return last.length > 200 ? `${last.slice(0, 200)}…` : last
}
