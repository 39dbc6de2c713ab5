// SPDX-License-Identifier: Apache-2.0
// Sign-in in two steps that are sent as one request: nobody learns which of them was wrong (guide §1.1, check list 1).
import { Alert, Anchor, Button, Divider, Group, Stack, Text, TextInput, Title } from '@mantine/core'
import { IconFingerprint, IconId } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate, useSearchParams } from 'react-router'
import { fetchApi, type Schemas, send } from '@/api/client'
import { answerWithPasskey } from '@/api/passkeys'
import { Problem } from '@/api/problem'
import { begin, safeNext } from '@/app/session'
import { passkeyProblem, usePasskeysMissing } from '@/app/usePasskeys'
import { ProviderSays, useProvider } from '@/app/useProvider'
import { PasswordFields } from '@/features/sign-up/PasswordFields'
import { useApiForm } from '@/ui/form'
import { PasswordField } from '@/ui/PasswordField'
import { ProblemAlert } from '@/ui/Says'
import { Agreements } from './Agreements'
import { Front } from './Front'
import { SecondStep, type SecondWay } from './SecondStep'
import { useCapsLock } from './useCapsLock'

type Step = 'password' | SecondWay | 'new'
type Session = Schemas['NewSession']
const WAYS: readonly SecondWay[] = ['order_number', 'code']

export default function SignInPage() {
  const { t } = useTranslation(['sign-in', 'sign-up'])
  const navigate = useNavigate()
  const [parameters] = useSearchParams()
  const [step, setStep] = useState<Step>('password')
  const [due, setDue] = useState<Schemas['AgreementText'][]>([])
  const caps = useCapsLock()
  const passkeys = usePasskeysMissing() === ''
  const provider = useProvider()
  const said = parameters.get('oidc')
  const [leaving, setLeaving] = useState(false)
  // Kept for the request with the new password: a passkey that came with an expired one is still good.
  const assertion = useRef<Schemas['PasskeyAssertion'] | null>(null)
  const enter = async () => {
    await begin()
    navigate(safeNext(parameters.get('next')), { replace: true })
  }
  const entered = async (session: Session) => {
    if (session.agreements_due.length > 0) setDue(session.agreements_due)
    else await enter()
  }
  // Who came from the provider has a session, and may have agreements to accept before anything else.
  const accept = parameters.get('accept')
  useEffect(() => {
    if (!accept) return
    const kinds = accept.split(',')
    void fetchApi('/api/v1/agreements').then(({ items }) => setDue(items.filter(({ kind }) => kinds.includes(kind))))
  }, [accept])
  // A browser that goes back from the provider may show this page as it was left.
  useEffect(() => {
    const shown = () => setLeaving(false)
    window.addEventListener('pageshow', shown)
    return () => window.removeEventListener('pageshow', shown)
  }, [])
  const answer = async (alone: boolean) => {
    const challenge = await fetchApi('/api/v1/session/passkey')
    return answerWithPasskey(challenge, { alone }).catch((error) => {
      throw passkeyProblem(error, t)
    })
  }
  const alone = useApiForm({
    initial: {},
    send: async () => {
      clear()
      const passkey = await answer(true)
      await entered(await send('post', '/api/v1/session/passkey', { body: { passkey } }))
    },
  })
  const { form, problem, sending, submit, clear } = useApiForm({
    initial: { login: '', password: '', order_number: '', code: '', new_password: '', confirm: '' },
    send: async (values) => {
      const renewed = step === 'new' ? { new_password: values.new_password } : {}
      if (step === 'new' && values.new_password !== values.confirm) {
        throw new Problem({
          code: 'invalid',
          detail: t('sign-up:mismatch'),
          errors: [{ parameter: null, pointer: '/confirm', detail: t('sign-up:mismatch') }],
        })
      }
      if (step === 'passkey') assertion.current = await answer(false)
      else if (step !== 'new') assertion.current = null
      const second = assertion.current
        ? { passkey: assertion.current }
        : values.code
          ? { code: values.code.trim() }
          : { order_number: values.order_number.trim() }
      const body = { login: values.login, password: values.password, ...second, ...renewed }
      const session = await send('post', '/api/v1/session', { body }).catch((error: Problem) => {
        if (error.code !== 'credentials_expired') throw error
        setStep('new')
        return null
      })
      if (session) await entered(session)
    },
  })
  // What cannot even be read, such as a control character, is refused at its field; that one must be seen.
  const unreadable = Boolean(form.errors.login || form.errors.password)
  useEffect(() => {
    if (unreadable) setStep('password')
  }, [unreadable])
  if (due.length > 0) {
    return (
      <Front title={t('title')} wide>
        <Agreements due={due} onAccepted={enter} />
      </Front>
    )
  }
  const first = step === 'password'
  const next = (event: React.FormEvent) => {
    event.preventDefault()
    const missing = {
      login: !form.values.login && t('loginMissing'),
      password: !form.values.password && t('passwordMissing'),
    }
    form.setErrors(missing as never)
    alone.clear()
    if (!missing.login && !missing.password) setStep('order_number')
  }
  const back = () => {
    clear()
    setStep('password')
  }
  return (
    <Front title={t('title')}>
      <form onSubmit={first ? next : (event) => void submit(event)} noValidate>
        <Stack>
          <Title order={1}>{t('title')}</Title>
          {problem && <ProblemAlert problem={problem} />}
          {first && said && !problem && !alone.problem && <ProviderSays word={said} name={provider} />}
          {first && alone.problem && <ProblemAlert problem={alone.problem} />}
          {first ? (
            <>
              <TextInput
                key="login"
                label={t('login')}
                autoComplete="username"
                autoCapitalize="none"
                spellCheck={false}
                data-autofocus
                {...form.getInputProps('login')}
              />
              <PasswordField
                withAsterisk={false}
                label={t('password')}
                description={t('caseSensitive')}
                autoComplete="current-password"
                {...form.getInputProps('password')}
              />
              {caps && (
                <Alert color="ochre" variant="light" role="status" p="xs">
                  {t('capsLock')}
                </Alert>
              )}
            </>
          ) : step === 'new' ? (
            <>
              <Alert color="ochre" variant="light" role="alert">
                {t('expired')}
              </Alert>
              <PasswordFields
                password={form.values.new_password}
                passwordProps={form.getInputProps('new_password')}
                confirmProps={form.getInputProps('confirm')}
              />
            </>
          ) : (
            <SecondStep
              way={step as SecondWay}
              ways={passkeys ? [...WAYS, 'passkey'] : WAYS}
              inputs={(name) => form.getInputProps(name)}
              onSwitch={(to) => {
                clear()
                form.setValues({ code: '', order_number: '' })
                setStep(to)
              }}
            />
          )}
          <Group justify="space-between">
            {first ? (
              <span />
            ) : (
              <Button variant="default" onClick={back}>
                {t('back')}
              </Button>
            )}
            <Button type="submit" loading={sending}>
              {t(step === 'passkey' ? 'usePasskeyNow' : 'submit')}
            </Button>
          </Group>
          {first && (passkeys || provider) && <Divider label={t('or')} />}
          {first && passkeys && (
            <Button
              variant="default"
              leftSection={<IconFingerprint size={18} aria-hidden />}
              loading={alone.sending}
              onClick={() => void alone.submit()}
            >
              {t('withPasskey')}
            </Button>
          )}
          {first && provider && (
            <Button
              variant="default"
              leftSection={<IconId size={18} aria-hidden />}
              loading={leaving}
              onClick={() => {
                setLeaving(true)
                const next = encodeURIComponent(safeNext(parameters.get('next')))
                window.location.assign(`/sign-in/oidc?next=${next}`)
              }}
            >
              {t('withProvider', { name: provider })}
            </Button>
          )}
          {first && (
            <Text size="sm">
              {t('noAccount')}{' '}
              <Anchor component={Link} to="/sign-up" inherit underline="always">
                {t('createNew')}
              </Anchor>
            </Text>
          )}
        </Stack>
      </form>
    </Front>
  )
}
