// SPDX-License-Identifier: Apache-2.0
// Add an agent: its name, then its downloads and what to do with them.
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send } from '@/api/client'
import { useApiForm } from '@/ui/form'
import { ProblemAlert } from '@/ui/Says'
import { CopyLine } from '@/ui/Texts'
import { Builds } from './Builds'

type Agent = Schemas['AgentView']

export function AddAgent({ onClose, onVerify }: { onClose: () => void; onVerify: (agent: Agent) => void }) {
  const { t } = useTranslation(['servers', 'ui'])
  const [agent, setAgent] = useState<Agent | null>(null)
  const { form, problem, sending, submit } = useApiForm({
    initial: { name: '' },
    check: { name: (name: string) => (name.trim() ? null : t('nameMissing')) } as never,
    send: async ({ name }) => {
      setAgent(await send('post', '/api/v1/agents', { body: { name: name.trim() } }))
      await queryClient.invalidateQueries({ queryKey: ['/api/v1/agents'] })
    },
  })
  return (
    <Modal opened onClose={onClose} title={t('add.button')} size="60rem">
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
          <Builds agent={agent} />
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
