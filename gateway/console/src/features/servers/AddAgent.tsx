// SPDX-License-Identifier: Apache-2.0
// Add an agent: its name, then its download and what to do with it.
import { Button, Group, List, Modal, Stack, Table, Text, TextInput } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send } from '@/api/client'
import { useApiForm } from '@/ui/form'
import { ProblemAlert } from '@/ui/Says'
import { CopyLine } from '@/ui/Texts'

type Agent = Schemas['AgentView']

export function AddAgent({ onClose, onVerify }: { onClose: () => void; onVerify: (agent: Agent) => void }) {
  const { t } = useTranslation(['servers', 'ui'])
  const [agent, setAgent] = useState<Agent | null>(null)
  const [sum, setSum] = useState('')
  const [problem2, setProblem] = useState<Error | null>(null)
  const { form, problem, sending, submit } = useApiForm({
    initial: { name: '' },
    check: { name: (name: string) => (name.trim() ? null : t('nameMissing')) } as never,
    send: async ({ name }) => {
      setAgent(await send('post', '/api/v1/agents', { body: { name: name.trim() } }))
      await queryClient.invalidateQueries({ queryKey: ['/api/v1/agents'] })
    },
  })
  const download = async () => {
    if (!agent) return
    try {
      setSum(await save(agent))
    } catch (error) {
      setProblem(error as Error)
    }
  }
  return (
    <Modal opened onClose={onClose} title={t('add.button')} size="xl">
      {!agent ? (
        <form onSubmit={(event) => void submit(event)} noValidate>
          <Stack>
            {problem && <ProblemAlert problem={problem} />}
            <TextInput
              label={t('agent.name')}
              description={t('add.nameHint')}
              withAsterisk
              data-autofocus
              autoComplete="off"
              {...form.getInputProps('name')}
            />
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {t('ui:cancel')}
              </Button>
              <Button type="submit" loading={sending}>
                {t('ui:next')}
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <Stack>
          <CopyLine label={t('agent.uid')} text={agent.uid} />
          <Table.ScrollContainer
            minWidth={720}
            scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': t('add.builds') } as object }}
          >
            <Table aria-label={t('add.builds')}>
              <Table.Thead>
                <Table.Tr>
                  {(['on', 'nginx', 'apache', 'tomcat', 'haproxy', 'files', 'iis', 'download'] as const).map((key) => (
                    <Table.Th key={key}>{t(`build.${key}`)}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                <Table.Tr>
                  <Table.Td>{t('build.linux')}</Table.Td>
                  <Table.Td>{t('ui:yes')}</Table.Td>
                  <Table.Td>{t('ui:yes')}</Table.Td>
                  <Table.Td>{t('ui:yes')}</Table.Td>
                  <Table.Td>{t('ui:yes')}</Table.Td>
                  <Table.Td>{t('ui:yes')}</Table.Td>
                  <Table.Td>{t('ui:no')}</Table.Td>
                  <Table.Td>
                    <Button
                      size="xs"
                      leftSection={<IconDownload size={15} aria-hidden />}
                      onClick={() => void download()}
                    >
                      {t('build.download')}
                    </Button>
                  </Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Td>{t('build.windows')}</Table.Td>
                  <Table.Td colSpan={7}>{t('build.notYet')}</Table.Td>
                </Table.Tr>
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          {sum && <CopyLine label="SHA-256" text={sum} />}
          {problem2 && <ProblemAlert problem={problem2} />}
          <List type="ordered" size="sm" spacing={4}>
            {(['unpack', 'start', 'code', 'finish'] as const).map((key) => (
              <List.Item key={key}>{t(`add.step.${key}`)}</List.Item>
            ))}
          </List>
          <Text size="sm" c="dimmed">
            {t('add.outbound')}
          </Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('add.ok')}
            </Button>
            <Button onClick={() => onVerify(agent)}>{t('verify.button')}</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  )
}

/** Saves the download and returns its SHA-256 in hex; empty where the browser has no subtle crypto (plain HTTP). */
async function save(agent: Agent): Promise<string> {
  const answer = await fetch(`/api/v1/agents/${agent.agent_id}/download`, { credentials: 'same-origin' })
  if (!answer.ok) throw new Error(answer.statusText)
  const bytes = await answer.arrayBuffer()
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([bytes], { type: 'application/zip' }))
  link.download = `certwright-agent-${agent.uid.slice(0, 8)}.zip`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
  if (!crypto.subtle) return ''
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(sum, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
