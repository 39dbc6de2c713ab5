// SPDX-License-Identifier: Apache-2.0
// The sign-up wizard of the guide (§1.1): company and contact, agreements, credentials with a summary, done.
import { Accordion, Anchor, Button, Checkbox, Stack, Text, TextInput, Title } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'
import { type Schemas, send, useApi } from '@/api/client'
import { begin } from '@/app/session'
import { useConsole } from '@/app/useConsole'
import { AgreementText } from '@/features/sign-in/Agreements'
import { Front } from '@/features/sign-in/Front'
import { useApiForm } from '@/ui/form'
import { Asked, ProblemAlert } from '@/ui/Says'
import { CopyLine, Facts } from '@/ui/Texts'
import { Wizard } from '@/ui/Wizard'
import { CompanyFields, ContactFields } from './AddressFields'
import {
  ADDRESS,
  type CompanyField,
  type CompanyValues,
  EMPTY_COMPANY,
  EMPTY_CONTACT,
  REQUIRED_COMPANY,
  REQUIRED_CONTACT,
} from './fields'
import { PasswordFields } from './PasswordFields'

const COMPANY = Object.keys(EMPTY_COMPANY) as CompanyField[]
const filled = (address: CompanyValues) => Object.values(address).some((text) => text.trim() !== '')
const OF_FIRST_STEP = /^(company|contact|admin_address)\./
const SECRET = ['password', 'confirm'] as const

export default function SignUpPage() {
  const { t } = useTranslation('sign-up')
  const agreements = useApi('/api/v1/agreements')
  const [at, setAt] = useState(0)
  const [done, setDone] = useState<Schemas['SignUpDone'] | null>(null)
  const { form, problem, sending, submit } = useApiForm({
    initial: {
      company: { ...EMPTY_COMPANY },
      contact: { ...EMPTY_CONTACT },
      admin_address: { ...EMPTY_COMPANY },
      eula: false,
      subscriber: false,
      login: '',
      password: '',
      confirm: '',
    },
    keepAs: 'sign-up',
    secret: SECRET,
    send: async ({ company, contact, admin_address, login, password, ...rest }) => {
      const accepted_agreements = (['eula', 'subscriber'] as const).filter((kind) => rest[kind])
      const admin = filled(admin_address) ? { admin_address } : {}
      setDone(
        await send('post', '/api/v1/sign-up', {
          body: { company, contact, login, password, accepted_agreements, ...admin },
        }),
      )
    },
  })
  const inputs = (name: string) => form.getInputProps(name)
  const values = form.values

  const missing = (fields: Record<string, boolean>): boolean => {
    const errors = Object.fromEntries(
      Object.entries(fields)
        .filter(([, bad]) => bad)
        .map(([name]) => [name, t('missing')]),
    )
    form.setErrors(errors)
    if (Object.keys(errors).length > 0) {
      setTimeout(() => document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(), 0)
    }
    return Object.keys(errors).length === 0
  }
  const checks = [
    () =>
      missing({
        ...Object.fromEntries(REQUIRED_COMPANY.map((field) => [`company.${field}`, !values.company[field].trim()])),
        ...Object.fromEntries(REQUIRED_CONTACT.map((field) => [`contact.${field}`, !values.contact[field].trim()])),
      }),
    () => missing({ eula: !values.eula, subscriber: !values.subscriber }),
    () => {
      if (!missing({ login: !values.login.trim(), password: !values.password })) return false
      if (values.password !== values.confirm) {
        form.setErrors({ confirm: t('mismatch') })
        return false
      }
      return true
    },
  ]
  const sent = useRef(false)
  const finish = () => {
    sent.current = true
    void submit()
  }
  // What the server refuses is shown where it stands: on the step that holds the field.
  const { errors } = form
  useEffect(() => {
    if (!sent.current || !Object.keys(errors).some((field) => OF_FIRST_STEP.test(field))) return
    sent.current = false
    setAt(0)
    setTimeout(() => document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(), 0)
  }, [errors])
  if (done) return <Done done={done} login={values.login} password={values.password} />
  const faulty = Object.keys(errors).filter((field) => OF_FIRST_STEP.test(field))

  return (
    <Front title={t('title')} wide>
      <Stack>
        <Title order={1}>{t('title')}</Title>
        {problem && <ProblemAlert problem={problem} />}
        {at > 0 && faulty.length > 0 && (
          <Text role="alert" c="var(--mantine-color-error)">
            {t('lookBack', { fields: faulty.map((field) => t(field.replace('admin_address', 'company'))).join(', ') })}
          </Text>
        )}
        <Wizard
          label={t('title')}
          at={at}
          onStep={setAt}
          finish={t('submit')}
          onFinish={finish}
          busy={sending}
          steps={[
            {
              key: 'company',
              title: t('step.company'),
              check: checks[0],
              content: (
                <Stack>
                  <Title order={3}>{t('companyDetails')}</Title>
                  <CompanyFields below="company" fields={COMPANY} inputs={inputs} />
                  <Title order={3}>{t('contactDetails')}</Title>
                  <ContactFields inputs={inputs} />
                  <Accordion variant="contained" order={3} defaultValue={filled(values.admin_address) ? 'admin' : null}>
                    <Accordion.Item value="admin">
                      <Accordion.Control>{t('adminAddress')}</Accordion.Control>
                      <Accordion.Panel>
                        <CompanyFields
                          below="admin_address"
                          fields={['name', ...ADDRESS]}
                          inputs={inputs}
                          required={false}
                        />
                      </Accordion.Panel>
                    </Accordion.Item>
                  </Accordion>
                </Stack>
              ),
            },
            {
              key: 'agreements',
              title: t('step.agreements'),
              check: checks[1],
              content: (
                <Asked query={agreements}>
                  {({ items }) => (
                    <Stack>
                      {items.map((agreement) => (
                        <Stack key={agreement.kind} gap="xs">
                          <Title order={3}>{t(`agreement.${agreement.kind}`)}</Title>
                          <AgreementText agreement={agreement} />
                          <Checkbox
                            label={t(agreement.kind === 'eula' ? 'accept' : 'agree')}
                            {...form.getInputProps(agreement.kind, { type: 'checkbox' })}
                          />
                        </Stack>
                      ))}
                    </Stack>
                  )}
                </Asked>
              ),
            },
            {
              key: 'credentials',
              title: t('step.credentials'),
              check: checks[2],
              content: (
                <Stack>
                  <Title order={3}>{t('adminCredentials')}</Title>
                  <TextInput
                    label={t('login')}
                    withAsterisk
                    autoComplete="username"
                    autoCapitalize="none"
                    {...inputs('login')}
                  />
                  <PasswordFields
                    password={values.password}
                    passwordProps={inputs('password')}
                    confirmProps={inputs('confirm')}
                  />
                  <Title order={3}>{t('companyDetails')}</Title>
                  <Facts
                    facts={(['name', 'address1', 'postcode', 'country', 'state', 'city'] as const).map((field) => [
                      t(`company.${field}`),
                      <bdi key={field}>{values.company[field]}</bdi>,
                    ])}
                  />
                  <Title order={3}>{t('contactDetails')}</Title>
                  <Facts
                    facts={REQUIRED_CONTACT.map((field) => [
                      t(`contact.${field}`),
                      <bdi key={field}>{values.contact[field]}</bdi>,
                    ])}
                  />
                </Stack>
              ),
            },
          ]}
        />
        <Text size="sm">
          {t('haveAccount')}{' '}
          <Anchor component={Link} to="/sign-in" inherit underline="always">
            {t('signIn')}
          </Anchor>
        </Text>
      </Stack>
    </Front>
  )
}

function Done({ done, login, password }: { done: Schemas['SignUpDone']; login: string; password: string }) {
  const { t } = useTranslation('sign-up')
  const navigate = useNavigate()
  const { brand } = useConsole()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Error | null>(null)
  const enter = async () => {
    setBusy(true)
    try {
      await send('post', '/api/v1/session', { body: { login, password, order_number: String(done.order_number) } })
      await begin()
      navigate('/orders', { replace: true })
    } catch (error) {
      setProblem(error as Error)
      setBusy(false)
    }
  }
  return (
    <Front title={t('done.title')}>
      <Stack>
        <Title order={1}>{t('done.title')}</Title>
        <Text>{t('done.text', { brand })}</Text>
        <CopyLine label={t('done.number')} text={String(done.order_number)} />
        <Text className="wrap">{t('done.keep', { url: `${window.location.origin}/console/sign-in` })}</Text>
        {problem && <ProblemAlert problem={problem} />}
        <Button loading={busy} onClick={() => void enter()} data-autofocus>
          {t('done.ok')}
        </Button>
      </Stack>
    </Front>
  )
}
