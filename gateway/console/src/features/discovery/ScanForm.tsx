// SPDX-License-Identifier: Apache-2.0
// From where to look and where (guide §8): this installation or an agent; addresses with a mask, names, ports, what to leave out, and how often.
import {
  Collapse,
  Grid,
  Group,
  NativeSelect,
  Paper,
  Radio,
  Stack,
  Textarea,
  TextInput,
  UnstyledButton,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { send } from '@/api/client'
import { useApiForm } from '@/ui/form'
import { ProblemAlert } from '@/ui/Says'
import { AgentChoice } from './AgentChoice'
import { portsOf, targetsOf, wordsOf } from './places'

export const FORM_ID = 'scan-form'
const PERIODS = ['', '6', '24', '168', '720'] as const

interface ScanFormProps {
  /** A scan has begun, or a schedule was made. */
  onStarted: (scanId: string | null) => void
  onSending: (sending: boolean) => void
}

export function ScanForm({ onStarted, onSending }: ScanFormProps) {
  const { t } = useTranslation(['discovery', 'ui'])
  const [opened, { toggle, open }] = useDisclosure(false)
  const { form, problem, submit } = useApiForm({
    initial: {
      from: 'external',
      agent_id: '',
      targets: '',
      mask: '',
      names: '',
      ports: '443',
      exclude: '',
      every_hours: '',
      name: '',
      quiet_from: '',
      quiet_until: '',
    },
    keepAs: 'scan',
    check: {
      targets: (text: string, all: { names: string }) =>
        text.trim() || all.names.trim() ? null : t('form.targetsMissing'),
      agent_id: (text: string, all: { from: string }) =>
        all.from === 'internal' && !text ? t('form.agentMissing') : null,
      name: (text: string, all: { every_hours: string }) => (all.every_hours && !text.trim() ? t('ui:missing') : null),
    } as never,
    send: async (values) => {
      const body = {
        targets: targetsOf(values.targets, values.mask),
        names: wordsOf(values.names),
        ports: portsOf(values.ports),
        exclude: wordsOf(values.exclude),
        agent_id: values.from === 'internal' ? values.agent_id : '',
      }
      if (values.every_hours === '') {
        const scan = await send('post', '/api/v1/scans', { body })
        onStarted(scan.scan_id)
        return
      }
      const { name, quiet_from, quiet_until } = values
      const every_hours = Number(values.every_hours)
      await send('post', '/api/v1/scan-schedules', { body: { ...body, name, quiet_from, quiet_until, every_hours } })
      onStarted(null)
    },
  })
  const start = async (event?: React.FormEvent) => {
    onSending(true)
    try {
      if (!(await submit(event))) open()
    } finally {
      onSending(false)
    }
  }
  const internal = form.getValues().from === 'internal'
  const scheduled = form.getValues().every_hours !== ''
  const Chevron = opened ? IconChevronDown : IconChevronRight
  return (
    <Paper withBorder p="md">
      <form id={FORM_ID} onSubmit={(event) => void start(event)} noValidate>
        <Stack gap="sm">
          {problem && <ProblemAlert problem={problem} />}
          <Radio.Group
            label={t('form.from')}
            description={t(internal ? 'form.internalText' : 'form.externalText')}
            {...form.getInputProps('from')}
          >
            <Group mt={6}>
              <Radio value="external" label={t('form.external')} />
              <Radio value="internal" label={t('form.internal')} />
            </Group>
          </Radio.Group>
          {internal && <AgentChoice field={form.getInputProps('agent_id')} />}
          <Grid gap="sm">
            <Grid.Col span={{ base: 12, sm: 6 }}>
              <TextInput
                label={t('form.targets')}
                description={t('form.targetsHint')}
                autoComplete="off"
                spellCheck={false}
                inputWrapperOrder={['label', 'input', 'description', 'error']}
                {...form.getInputProps('targets')}
              />
            </Grid.Col>
            <Grid.Col span={{ base: 12, sm: 3 }}>
              <TextInput
                label={t('form.mask')}
                description={t('form.maskHint')}
                autoComplete="off"
                inputWrapperOrder={['label', 'input', 'description', 'error']}
                {...form.getInputProps('mask')}
              />
            </Grid.Col>
            <Grid.Col span={{ base: 12, sm: 3 }}>
              <TextInput
                label={t('form.ports')}
                description={t('form.portsHint')}
                autoComplete="off"
                inputWrapperOrder={['label', 'input', 'description', 'error']}
                {...form.getInputProps('ports')}
              />
            </Grid.Col>
          </Grid>
          <UnstyledButton onClick={toggle} aria-expanded={opened} className="disclosure">
            <Chevron size={15} aria-hidden />
            {t('form.more')}
          </UnstyledButton>
          <Collapse expanded={opened}>
            <Grid gap="sm">
              <Grid.Col span={{ base: 12, sm: 6 }}>
                <Textarea
                  label={t('form.names')}
                  description={t('form.namesHint')}
                  rows={3}
                  spellCheck={false}
                  {...form.getInputProps('names')}
                />
              </Grid.Col>
              <Grid.Col span={{ base: 12, sm: 6 }}>
                <Textarea
                  label={t('form.exclude')}
                  description={t('form.excludeHint')}
                  rows={3}
                  spellCheck={false}
                  {...form.getInputProps('exclude')}
                />
              </Grid.Col>
              <Grid.Col span={{ base: 12, sm: 3 }}>
                <NativeSelect
                  label={t('form.every')}
                  data={PERIODS.map((value) => ({ value, label: t(`form.period.${value || 'once'}`) }))}
                  {...form.getInputProps('every_hours')}
                />
              </Grid.Col>
              {scheduled && (
                <>
                  <Grid.Col span={{ base: 12, sm: 3 }}>
                    <TextInput label={t('form.name')} autoComplete="off" withAsterisk {...form.getInputProps('name')} />
                  </Grid.Col>
                  <Grid.Col span={{ base: 6, sm: 3 }}>
                    <TextInput
                      label={t('form.quietFrom')}
                      placeholder="08:00"
                      autoComplete="off"
                      {...form.getInputProps('quiet_from')}
                    />
                  </Grid.Col>
                  <Grid.Col span={{ base: 6, sm: 3 }}>
                    <TextInput
                      label={t('form.quietUntil')}
                      placeholder="18:00"
                      autoComplete="off"
                      {...form.getInputProps('quiet_until')}
                    />
                  </Grid.Col>
                </>
              )}
            </Grid>
          </Collapse>
        </Stack>
      </form>
    </Paper>
  )
}
