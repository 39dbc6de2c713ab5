// SPDX-License-Identifier: Apache-2.0
import { Alert, Button, Group, List, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send, useApi } from '@/api/client'
import { useApiForm } from '@/ui/form'
import { ProblemAlert } from '@/ui/Says'
import { Status } from '@/ui/Status'

/** The one-time code that the agent printed; then it waits until the agent's own side has confirmed. */
export function VerifyAgent({ agent, onClose }: { agent: Schemas['AgentView']; onClose: () => void }) {
  const { t } = useTranslation(['servers', 'ui'])
  const [verified, setVerified] = useState(false)
  const now = useApi(
    '/api/v1/agents/{agent_id}',
    { path: { agent_id: agent.agent_id } },
    { every: verified ? 1_500 : false },
  )
  const { form, problem, sending, submit } = useApiForm({
    initial: { code: '' },
    check: { code: (code: string) => (code.trim() ? null : t('verify.codeMissing')) } as never,
    send: async ({ code }) => {
      await send('post', '/api/v1/agents/{agent_id}/verify', {
        path: { agent_id: agent.agent_id },
        body: { code: code.trim() },
      })
      setVerified(true)
      await queryClient.invalidateQueries({ queryKey: ['/api/v1/agents'] })
    },
  })
  const state = now.data?.state ?? agent.state
  return (
    <Modal opened onClose={onClose} title={t('verify.title', { name: agent.name })}>
      {verified ? (
        <Stack>
          <Alert color="pine" variant="light" role="status" className="wrap">
            {t('verify.done', { name: agent.name, address: now.data?.address ?? '' })}
          </Alert>
          <Group gap="xs">
            <Status state={state} />
            <Text size="sm">{t(state === 'connected' ? 'verify.connected' : 'verify.waiting')}</Text>
          </Group>
          <Group justify="flex-end">
            <Button onClick={onClose}>{t('ui:close')}</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={(event) => void submit(event)} noValidate>
          <Stack>
            <List type="ordered" size="sm" spacing={4}>
              {(['start', 'copy', 'press'] as const).map((key) => (
                <List.Item key={key}>{t(`verify.step.${key}`)}</List.Item>
              ))}
            </List>
            {problem && <ProblemAlert problem={problem} />}
            <TextInput
              label={t('verify.code')}
              withAsterisk
              data-autofocus
              autoComplete="off"
              spellCheck={false}
              {...form.getInputProps('code')}
            />
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {t('ui:back')}
              </Button>
              <Button type="submit" loading={sending}>
                {t('verify.begin')}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  )
}
