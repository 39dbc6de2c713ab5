// SPDX-License-Identifier: Apache-2.0
import { Grid, NativeSelect, Paper, Stack, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { send } from '@/api/client'
import { useApiForm } from '@/ui/form'
import { ProblemAlert } from '@/ui/Says'

export const FORM_ID = 'check-form'
const STARTTLS = ['', 'smtp', 'imap', 'pop3', 'ftp', 'ldap', 'postgresql', 'mysql']

interface CheckFormProps {
  onStarted: (checkId: string) => void
  onSending: (depth: string) => void
}

/** What is checked. The buttons stand at the head of the page; each says by its value how closely is looked. */
export function CheckForm({ onStarted, onSending }: CheckFormProps) {
  const { t } = useTranslation(['tools', 'ui'])
  const { form, problem, submit } = useApiForm({
    initial: { fqdn: '', port: '443', starttls: '', depth: 'basic' },
    keepAs: 'check',
    check: { fqdn: (text: string) => (text.trim() ? null : t('ui:missing')) } as never,
    send: async ({ fqdn, port, starttls, depth }) => {
      const number = /^\d{1,5}$/.test(port.trim()) ? Number(port) : 0
      const check = await send('post', '/api/v1/checks', { body: { fqdn, port: number, starttls, depth } })
      onStarted(check.check_id)
    },
  })
  const start = async (event: React.FormEvent<HTMLFormElement>) => {
    const pressed = (event.nativeEvent as SubmitEvent).submitter as HTMLButtonElement | null
    const depth = pressed?.value || 'basic'
    event.preventDefault()
    form.setFieldValue('depth', depth)
    onSending(depth)
    try {
      await submit()
    } finally {
      onSending('')
    }
  }
  return (
    <Paper withBorder p="md">
      <form id={FORM_ID} onSubmit={(event) => void start(event)} noValidate>
        <Stack gap="sm">
          {problem && <ProblemAlert problem={problem} />}
          <Grid gap="sm">
            <Grid.Col span={{ base: 12, sm: 6 }}>
              <TextInput
                label={t('form.domain')}
                description={t('form.domainHint')}
                inputWrapperOrder={['label', 'input', 'description', 'error']}
                autoComplete="off"
                spellCheck={false}
                {...form.getInputProps('fqdn')}
              />
            </Grid.Col>
            <Grid.Col span={{ base: 6, sm: 2 }}>
              <TextInput
                label={t('form.port')}
                inputMode="numeric"
                autoComplete="off"
                {...form.getInputProps('port')}
              />
            </Grid.Col>
            <Grid.Col span={{ base: 6, sm: 4 }}>
              <NativeSelect
                label={t('form.starttls')}
                data={STARTTLS.map((value) => ({
                  value,
                  label: value === '' ? t('form.direct') : value.toUpperCase(),
                }))}
                {...form.getInputProps('starttls')}
              />
            </Grid.Col>
          </Grid>
        </Stack>
      </form>
    </Paper>
  )
}
