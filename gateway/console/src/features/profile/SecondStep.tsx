// SPDX-License-Identifier: Apache-2.0
// An authenticator app (RFC 6238) in place of the order number.
import { Button, Group, Modal, Stack, Text, TextInput, Title } from '@mantine/core'
import { IconAlertTriangle, IconShieldCheck } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send } from '@/api/client'
import { useSession } from '@/app/session'
import { useApiForm } from '@/ui/form'
import { PasswordField } from '@/ui/PasswordField'
import { ProblemAlert } from '@/ui/Says'
import { CopyLine } from '@/ui/Texts'
import { Codes } from './Codes'
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
      {removing && <Remove onClose={() => setRemoving(false)} />}
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
    <Modal opened onClose={onClose} title={t('second.begin')}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Stack>
          <Text>{t('second.scan')}</Text>
          <QRCode text={enrolment.uri} label={t('second.qr')} />
          <CopyLine label={t('second.secret')} text={enrolment.secret} />
          {problem && <ProblemAlert problem={problem} />}
          <TextInput
            label={t('second.code')}
            description={t('second.codeHint')}
            withAsterisk
            inputMode="numeric"
            autoComplete="one-time-code"
            data-autofocus
            {...form.getInputProps('code')}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('ui:cancel')}
            </Button>
            <Button type="submit" loading={sending}>
              {t('second.confirm')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function Remove({ onClose }: { onClose: () => void }) {
  const { user } = useSession()
  const { t } = useTranslation(['profile', 'sign-up', 'ui'])
  const { form, problem, sending, submit } = useApiForm({
    initial: { current_password: '' },
    check: { current_password: (text: string) => (text ? null : t('ui:missing')) } as never,
    send: async (values) => {
      await send('post', '/api/v1/me/totp/remove', { body: values })
      await refresh()
      onClose()
    },
  })
  return (
    <Modal opened onClose={onClose} title={t('second.remove')}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Stack>
          <Text>{t(user.passkeys > 0 ? 'second.removeTextPasskey' : 'second.removeText')}</Text>
          {problem && <ProblemAlert problem={problem} />}
          <PasswordField
            label={t('password.current')}
            autoComplete="current-password"
            data-autofocus
            {...form.getInputProps('current_password')}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('ui:cancel')}
            </Button>
            <Button type="submit" color="vermilion" loading={sending}>
              {t('second.remove')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
