// SPDX-License-Identifier: Apache-2.0
// Earlier checks of the same endpoint, and what changed since one of them.
import { Anchor, Button, Group, Paper, Stack, Table, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type Schemas, useApi } from '@/api/client'
import { moment } from '@/ui/format'
import { Asked } from '@/ui/Says'

type Check = Schemas['CheckView']
const MOST = 20

export function History({ check }: { check: Check }) {
  const { t } = useTranslation(['tools', 'ui'])
  const [other, setOther] = useState<string | null>(null)
  const found = useApi('/api/v1/checks', { query: { fqdn: check.fqdn, port: check.port, limit: MOST } })
  const others = (found.data?.items ?? []).filter((one) => one.check_id !== check.check_id)
  if (others.length === 0) return null
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="history">
      <Stack gap="xs">
        <Title order={2} size="h3" id="history">
          {t('history.title')}
        </Title>
        {others.map((one) => {
          const at = moment(one.created_at, 'second')
          return (
            <Group key={one.check_id} justify="space-between" gap="xs">
              <Text size="sm">
                <Anchor component={Link} to={`/tools/${one.check_id}`} size="sm">
                  {at}
                </Anchor>
                {` · ${t(`depth.${one.depth}`)} · ${one.grade || t(`ui:state.${one.state}`)}`}
              </Text>
              {check.state === 'finished' && one.state === 'finished' && (
                <Button
                  size="xs"
                  variant="default"
                  aria-label={t('history.compareWith', { at })}
                  aria-pressed={other === one.check_id}
                  onClick={() => setOther(other === one.check_id ? null : one.check_id)}
                >
                  {t('history.compare')}
                </Button>
              )}
            </Group>
          )
        })}
        {other && <Comparison check={check} other={other} />}
      </Stack>
    </Paper>
  )
}

function Comparison({ check, other }: { check: Check; other: string }) {
  const { t } = useTranslation('tools')
  const path = { check_id: check.check_id, other_check_id: other }
  const found = useApi('/api/v1/checks/{check_id}/changes/{other_check_id}', { path })
  const value = (text: string) =>
    text === '' ? '–' : ['yes', 'no'].includes(text) ? t(`ui:${text}`) : <span className="mono wrap">{text}</span>
  return (
    <Asked query={found}>
      {({ before, after, changes }) =>
        changes.length === 0 ? (
          <Text size="sm">{t('history.nothing')}</Text>
        ) : (
          <Table.ScrollContainer minWidth={300} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
            <Table fz="sm" verticalSpacing={6} aria-label={t('history.changes')}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('history.what')}</Table.Th>
                  <Table.Th>{moment(before.created_at, 'minute')}</Table.Th>
                  <Table.Th>{moment(after.created_at, 'minute')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {changes.map((one) => (
                  <Table.Tr key={`${one.subject} ${one.name}`}>
                    <Table.Th scope="row">
                      {t(`subject.${one.subject}`)} <span className="wrap">{called(t, one)}</span>
                    </Table.Th>
                    <Table.Td>{value(one.before)}</Table.Td>
                    <Table.Td>{value(one.after)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )
      }
    </Asked>
  )
}

function called(t: (key: string, values: { defaultValue: string }) => string, one: Schemas['CheckChange']): string {
  return one.subject === 'feature' || one.subject === 'hole'
    ? t(`${one.subject}.${one.name}`, { defaultValue: one.name })
    : one.name
}
