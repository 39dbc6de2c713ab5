// SPDX-License-Identifier: Apache-2.0
// What an agent can be set up from (guide §3.1): each build, what it works on, and how it is fetched, checked and started.
import { Alert, Button, List, Stack, Table, Tabs, Text } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi } from '@/api/client'
import { ProblemAlert } from '@/ui/Says'
import { CopyLine } from '@/ui/Texts'
import { fetching, starting, steps } from './commands'

type Agent = Schemas['AgentView']
type Build = Schemas['AgentBuild']
const SERVERS = ['nginx', 'apache', 'tomcat', 'haproxy', 'files', 'iis'] as const

export function Builds({ agent }: { agent: Agent }) {
  const { t } = useTranslation(['servers', 'ui'])
  const found = useApi('/api/v1/agents/{agent_id}/builds', { path: { agent_id: agent.agent_id } })
  const [chosen, setChosen] = useState<string | null>(null)
  if (found.error) return <ProblemAlert problem={found.error} />
  const builds = found.data?.items ?? []
  const name = chosen ?? builds.find((one) => !one.unavailable)?.build ?? null
  return (
    <Stack>
      <Table.ScrollContainer
        minWidth={820}
        scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': t('add.builds') } as object }}
      >
        <Table horizontalSpacing="xs" aria-label={t('add.builds')} aria-busy={found.isPending}>
          <Table.Thead>
            <Table.Tr>
              {(['on', 'page', ...SERVERS, 'download'] as const).map((key) => (
                <Table.Th key={key}>{t(`build.${key}`)}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {builds.map((build) => (
              <Table.Tr key={build.build}>
                <Table.Td>{t(`build.of.${build.build}`)}</Table.Td>
                {build.unavailable ? (
                  <Table.Td colSpan={8} className="wrap">
                    {t('build.unavailable', { reason: build.unavailable })}
                  </Table.Td>
                ) : (
                  <>
                    <Table.Td>{t(build.page ? 'ui:yes' : 'ui:no')}</Table.Td>
                    {SERVERS.map((server) => (
                      <Table.Td key={server}>{t(`build.works.${build[server]}`)}</Table.Td>
                    ))}
                    <Table.Td>
                      <Button
                        component="a"
                        href={`/api/v1/agents/${agent.agent_id}/download?build=${build.build}`}
                        download
                        size="xs"
                        leftSection={<IconDownload size={15} aria-hidden />}
                        aria-label={t('build.downloadOf', { build: t(`build.of.${build.build}`) })}
                        onClick={() => setChosen(build.build)}
                      >
                        {t('build.download')}
                      </Button>
                    </Table.Td>
                  </>
                )}
              </Table.Tr>
            ))}
            <Table.Tr>
              <Table.Td>{t('build.windows')}</Table.Td>
              <Table.Td colSpan={8}>{t('build.notYet')}</Table.Td>
            </Table.Tr>
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <div>
        {(['here_and_ssh', 'here', 'none'] as const).map((key) => (
          <Text key={key} size="xs" c="dimmed">
            {t(`build.note.${key}`)}
          </Text>
        ))}
      </div>
      {name && (
        <Tabs value={name} onChange={setChosen} keepMounted={false}>
          <Tabs.List aria-label={t('build.how')}>
            {builds
              .filter((build) => !build.unavailable)
              .map((build) => (
                <Tabs.Tab key={build.build} value={build.build}>
                  {t(`build.tab.${build.build}`)}
                </Tabs.Tab>
              ))}
          </Tabs.List>
          {builds
            .filter((build) => !build.unavailable)
            .map((build) => (
              <Tabs.Panel key={build.build} value={build.build} pt="sm">
                <How agent={agent} build={build} />
              </Tabs.Panel>
            ))}
        </Tabs>
      )}
    </Stack>
  )
}

/** One build: what came down is checked against this page, then started. */
function How({ agent, build }: { agent: Agent; build: Build }) {
  const { t } = useTranslation(['servers', 'ui'])
  const size = t('build.size', { name: build.file_name, size: Math.ceil(build.size / 1024) })
  return (
    <Stack gap="sm">
      <CopyLine label={t('build.sum', { size })} text={build.sha256} />
      <CopyLine label={t('build.fetch')} text={fetching(build, agent.uid, window.location.origin)} />
      <Text size="xs" c="dimmed">
        {t('build.ownCA')}
      </Text>
      <CopyLine label={t('build.start')} text={starting(build)} />
      {build.build === 'utility' ? (
        <Alert variant="light" color="gray">
          {t('build.standAlone')}
        </Alert>
      ) : (
        <List type="ordered" size="sm" spacing={4}>
          {steps(build).map((key) => (
            <List.Item key={key}>{t(`add.step.${key}`)}</List.Item>
          ))}
        </List>
      )}
    </Stack>
  )
}
