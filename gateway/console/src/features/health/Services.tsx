// SPDX-License-Identifier: Apache-2.0
import { Group, Table, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { Status } from '@/ui/Status'
import { Moment } from '@/ui/Texts'
import { behind, since } from './lag'

type Health = Schemas['Health']

/** One row a service; the parts that are not well say why below it. */
export function Services({ ready, services, at }: { ready: boolean; services: Health[]; at: number }) {
  const { t } = useTranslation('health')
  return (
    <section className="sheet" aria-label={t('services')}>
      <Group gap="sm" mb="sm">
        <Title order={2}>{t('services')}</Title>
        <span aria-live="polite">
          <Status state={ready ? 'healthy' : 'unhealthy'} />
        </span>
        <Text size="sm" c="dimmed" ml="auto">
          {t('asOf')} <Moment at={new Date(at).toISOString()} precision="second" />
        </Text>
      </Group>
      <Table.ScrollContainer
        minWidth={700}
        scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': t('services') } as object }}
      >
        <Table aria-label={t('services')} fz="sm">
          <Table.Thead>
            <Table.Tr>
              {(['service', 'state', 'parts', 'lag', 'oldest', 'parked', 'version'] as const).map((key) => (
                <Table.Th key={key}>{t(`column.${key}`)}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {services.map((one) => {
              const lag = behind(one.lags)
              return (
                <Table.Tr key={one.service}>
                  <Table.Td fw={600}>{t(`service.${one.service}`)}</Table.Td>
                  <Table.Td>
                    <Status state={one.ready ? 'healthy' : 'unhealthy'} />
                  </Table.Td>
                  <Table.Td>
                    <Parts parts={one.parts} />
                  </Table.Td>
                  <Table.Td title={lag.where}>
                    {lag.events === 0 ? t('none') : t('events', { count: lag.events })}
                    {lag.events > 0 && (
                      <Text size="xs" c="dimmed" className="wrap">
                        {lag.where}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>{lag.events === 0 ? '–' : since(lag.seconds)}</Table.Td>
                  <Table.Td fw={one.dead_letters > 0 ? 600 : undefined}>
                    {one.dead_letters > 0 ? t('parkedCount', { count: one.dead_letters }) : t('none')}
                  </Table.Td>
                  <Table.Td>{one.version || '–'}</Table.Td>
                </Table.Tr>
              )
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </section>
  )
}

/** The well ones on one line, and each of the others with what is wrong. */
function Parts({ parts }: { parts: Record<string, string> }) {
  const { t } = useTranslation('health')
  const well = Object.keys(parts).filter((name) => parts[name] === 'ok')
  return (
    <>
      {well.length > 0 && (
        <Text size="sm" c="dimmed">
          {t('ok', { parts: well.join(', ') })}
        </Text>
      )}
      {Object.entries(parts)
        .filter(([name]) => !well.includes(name))
        .map(([name, said]) => (
          <Text key={name} size="sm" c="var(--mantine-color-error)" className="wrap">
            {name}: {said}
          </Text>
        ))}
    </>
  )
}
