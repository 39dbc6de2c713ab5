// SPDX-License-Identifier: Apache-2.0
// The account's company and contact, as invoices and organization validation use them.
import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useTranslation } from 'react-i18next'
import { type Schemas, send, useApi } from '@/api/client'
import { useSession } from '@/app/session'
import { CompanyFields, ContactFields } from '@/features/sign-up/AddressFields'
import { type CompanyField, type ContactField, EMPTY_COMPANY, EMPTY_CONTACT } from '@/features/sign-up/fields'
import { useApiForm } from '@/ui/form'
import { Asked, ProblemAlert } from '@/ui/Says'
import { CopyLine, Facts } from '@/ui/Texts'

const COMPANY = Object.keys(EMPTY_COMPANY) as CompanyField[]
const CONTACT = Object.keys(EMPTY_CONTACT) as ContactField[]

export default function CompanyPage() {
  const { t } = useTranslation('company')
  const session = useSession()
  const found = useApi('/api/v1/account')
  return (
    <Stack gap="lg">
      <Title order={1}>{t('title')}</Title>
      <Asked query={found}>
        {(account) =>
          session.can('administer') ? (
            // Another account's answer, or a change by somebody else, starts the form anew.
            <CompanyForm key={JSON.stringify([account.company, account.contact])} account={account} />
          ) : (
            <CompanyFacts account={account} />
          )
        }
      </Asked>
    </Stack>
  )
}

function CompanyForm({ account }: { account: Schemas['AccountView'] }) {
  const { t } = useTranslation(['company', 'sign-up', 'ui'])
  const { form, problem, sending, submit } = useApiForm({
    initial: { company: { ...account.company }, contact: { ...account.contact } },
    send: async (values) => {
      await send('patch', '/api/v1/account', { body: values })
      notifications.show({ message: t('saved') })
    },
  })
  const inputs = (name: string) => form.getInputProps(name)
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Stack className="sheet">
        <CopyLine label={t('orderNumber')} text={String(account.order_number)} />
        {problem && <ProblemAlert problem={problem} />}
        <Title order={2}>{t('sign-up:companyDetails')}</Title>
        <CompanyFields below="company" fields={COMPANY} inputs={inputs} />
        <Title order={2}>{t('sign-up:contactDetails')}</Title>
        <ContactFields inputs={inputs} />
        <Group justify="flex-end">
          <Button variant="default" disabled={!form.isDirty()} onClick={() => form.reset()}>
            {t('undo')}
          </Button>
          <Button type="submit" loading={sending}>
            {t('ui:save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function CompanyFacts({ account }: { account: Schemas['AccountView'] }) {
  const { t } = useTranslation(['company', 'sign-up'])
  return (
    <Stack className="sheet">
      <Text c="dimmed">{t('readOnly')}</Text>
      <Title order={2}>{t('sign-up:companyDetails')}</Title>
      <Facts facts={COMPANY.map((field) => [t(`sign-up:company.${field}`), account.company[field]])} />
      <Title order={2}>{t('sign-up:contactDetails')}</Title>
      <Facts facts={CONTACT.map((field) => [t(`sign-up:contact.${field}`), account.contact[field]])} />
    </Stack>
  )
}
