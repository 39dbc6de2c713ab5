// SPDX-License-Identifier: Apache-2.0
// Sign-in in two steps that are sent as one request: nobody learns which of them was wrong (guide §1.1, check list 1).
import { Alert, Anchor, Button, Group, Stack, Text, TextInput, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate, useSearchParams } from 'react-router'
import { type Schemas, send } from '@/api/client'
import { Problem } from '@/api/problem'
import { begin, safeNext } from '@/app/session'
import { PasswordFields } from '@/features/sign-up/PasswordFields'
import { useApiForm } from '@/ui/form'
import { PasswordField } from '@/ui/PasswordField'
import { ProblemAlert } from '@/ui/Says'
import { Agreements } from './Agreements'
import { Front } from './Front'
import { useCapsLock } from './useCapsLock'

type Step = 'password' | 'order_number' | 'code' | 'new'

export default function SignInPage() {
  const { t } = useTranslation(['sign-in', 'sign-up'])
  const navigate = useNavigate()
  const [parameters] = useSearchParams()
  const [step, setStep] = useState<Step>('password')
  const [due, setDue] = useState<Schemas['AgreementText'][]>([])
  const caps = useCapsLock()
  const enter = async () => {
    await begin()
    navigate(safeNext(parameters.get('next')), { replace: true })
  }
  const { form, problem, sending, submit, clear } = useApiForm({
    initial: { login: '', password: '', order_number: '', code: '', new_password: '', confirm: '' },
    send: async (values) => {
      const second = values.code ? { code: values.code.trim() } : { order_number: values.order_number.trim() }
      const renewed = step === 'new' ? { new_password: values.new_password } : {}
      if (step === 'new' && values.new_password !== values.confirm) {
        throw new Problem({
          code: 'invalid',
          errors: [{ parameter: null, pointer: '/confirm', detail: t('sign-up:mismatch') }],
        })
      }
      const body = { login: values.login, password: values.password, ...second, ...renewed }
      const session = await send('post', '/api/v1/session', { body }).catch((error: Problem) => {
        if (error.code !== 'credentials_expired') throw error
        setStep('new')
        return null
      })
      if (!session) return
      if (session.agreements_due.length > 0) setDue(session.agreements_due)
      else await enter()
    },
  })
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
            <SecondStep step={step} form={form} onSwitch={(to) => setStep(to)} />
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
              {t('submit')}
            </Button>
          </Group>
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

interface SecondStepProps {
  step: Step
  form: { getInputProps: (name: string) => object }
  onSwitch: (step: Step) => void
}

function SecondStep({ step, form, onSwitch }: SecondStepProps) {
  const { t } = useTranslation('sign-in')
  const other = step === 'code' ? 'order_number' : 'code'
  return (
    <>
      {step === 'code' ? (
        <TextInput
          key="code"
          label={t('codeLabel')}
          description={t('codeHint')}
          autoComplete="one-time-code"
          autoFocus
          {...form.getInputProps('code')}
        />
      ) : (
        <TextInput
          key="number"
          label={t('numberLabel')}
          description={t('numberHint')}
          inputMode="numeric"
          autoComplete="off"
          autoFocus
          {...form.getInputProps('order_number')}
        />
      )}
      <Anchor component="button" type="button" size="sm" ta="left" onClick={() => onSwitch(other)}>
        {t(other === 'code' ? 'useCode' : 'useNumber')}
      </Anchor>
    </>
  )
}
