// SPDX-License-Identifier: Apache-2.0
// An authenticator app (RFC 6238) in place of the order number.
import { Button, Group, Stack, Text, TextInput, Title } from '@mantine/core'
import { IconAlertTriangle, IconShieldCheck } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send } from '@/api/client'
import { useSession } from '@/app/session'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'
import { ProblemAlert } from '@/ui/Says'
import { CopyLine } from '@/ui/Texts'
import { Codes } from './Codes'
import { PasswordDialog } from './PasswordDialog'
import { QRCode } from './QRCode'

const refresh = () => queryClient.invalidateQueries({ queryKey: ['/api/v1/session'] })

export function SecondStep() {
  const { t } = useTranslation(['profile', 'ui'])
  const { user } = useSession()
  const [enrolment, setEnrolment] = useState<Schemas['TOTPEnrolment'] | null>(null)
  const [codes, setCodes] = useState<readonly string[] | null>(null)
  const [removing, setRemoving] = useState(false)
  const [problem, setProblem] = useState<Error | null>(null)
  const [busy, setBusy] = useState(false)
  const begin = async () => {
    setBusy(true)
    setProblem(null)
    try {
      setEnrolment(await send('post', '/api/v1/me/totp'))
    } catch (error) {
      setProblem(error as Error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <section className="sheet" aria-label={t('second.title')}>
      <Stack>
        <Title order={2}>{t('second.title')}</Title>
        <Group gap="xs" wrap="nowrap" align="flex-start">
          {user.totp || user.passkeys > 0 ? (
            <IconShieldCheck size={20} aria-hidden style={{ flexShrink: 0 }} color="var(--mantine-color-anchor)" />
          ) : (
            <IconAlertTriangle size={20} aria-hidden style={{ flexShrink: 0 }} color="var(--cw-seal)" />
          )}
          <Text>{t(user.totp ? 'second.on' : user.passkeys > 0 ? 'second.passkey' : 'second.off')}</Text>
        </Group>
        {problem && <ProblemAlert problem={problem} />}
        <Group>
          {user.totp ? (
            <Button variant="default" onClick={() => setRemoving(true)}>
              {t('second.remove')}
            </Button>
          ) : (
            <Button loading={busy} onClick={() => void begin()}>
              {t('second.begin')}
            </Button>
          )}
        </Group>
      </Stack>
      {enrolment && (
        <Enrol
          enrolment={enrolment}
          onClose={() => setEnrolment(null)}
          onDone={(made) => {
            setEnrolment(null)
            setCodes(made)
          }}
        />
      )}
      {codes && <Codes codes={codes} onClose={() => setCodes(null)} />}
      {removing && (
        <PasswordDialog
          title={t('second.remove')}
          text={t('second.removeText')}
          verb={t('second.remove')}
          onSend={async (body) => {
            await send('post', '/api/v1/me/totp/remove', { body })
            await refresh()
          }}
          onClose={() => setRemoving(false)}
        />
      )}
    </section>
  )
}

interface EnrolProps {
  enrolment: Schemas['TOTPEnrolment']
  onClose: () => void
  onDone: (codes: readonly string[]) => void
}

function Enrol({ enrolment, onClose, onDone }: EnrolProps) {
  const { t } = useTranslation(['profile', 'ui'])
  const { form, problem, sending, submit } = useApiForm({
    initial: { code: '' },
    check: { code: (text: string) => (text.trim() ? null : t('ui:missing')) } as never,
    send: async ({ code }) => {
      const made = await send('post', '/api/v1/me/totp/confirm', { body: { code: code.replace(/\s/g, '') } })
      await refresh()
      onDone(made.codes)
    },
  })
  return (
    <FormDialog
      title={t('second.begin')}
      form={{ problem, sending, submit }}
      verb={t('second.confirm')}
      onClose={onClose}
    >
      <Text>{t('second.scan')}</Text>
      <QRCode text={enrolment.uri} label={t('second.qr')} />
      <CopyLine label={t('second.secret')} text={enrolment.secret} />
      <TextInput
        label={t('second.code')}
        description={t('second.codeHint')}
        withAsterisk
        inputMode="numeric"
        autoComplete="one-time-code"
        data-autofocus
        {...form.getInputProps('code')}
      />
    </FormDialog>
  )
}
