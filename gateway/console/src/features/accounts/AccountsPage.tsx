// SPDX-License-Identifier: Apache-2.0
// Every account of this installation, for who runs it.
import { Anchor, Button, Group, Modal, Stack, Text, Title } from '@mantine/core'
import { IconBuilding } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApiPages } from '@/api/client'
import { type Column, ResourceTable } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { CopyLine, Facts, Moment } from '@/ui/Texts'
import { useTableState } from '@/ui/tableState'

type Account = Schemas['AccountView']
const PAGE = 50
const COMPANY = [
  'department',
  'address1',
  'address2',
  'address3',
  'po_box',
  'postcode',
  'city',
  'state',
  'country',
  'company_number',
  'duns_number',
] as const

export default function AccountsPage() {
  const { t } = useTranslation('accounts')
  const state = useTableState()
  const [open, setOpen] = useState<Account | null>(null)
  const found = useApiPages(
    '/api/v1/operator/accounts',
    { query: { limit: PAGE, ...(state.search ? { search: state.search } : {}) } },
    { keepPrevious: true },
  )
  const columns = useMemo<Column<Account>[]>(
    () => [
      {
        key: 'company',
        title: t('company'),
        card: 'heading',
        render: (row) => (
          <Anchor component="button" type="button" inherit ta="left" className="wrap" onClick={() => setOpen(row)}>
            <bdi>{row.company.name}</bdi>
          </Anchor>
        ),
      },
      { key: 'number', title: t('number'), render: (row) => row.order_number },
      { key: 'contact', title: t('contact'), render: (row) => <bdi className="wrap">{person(row)}</bdi> },
      { key: 'email', title: t('email'), render: (row) => <bdi className="wrap">{row.contact.email}</bdi> },
      {
        key: 'place',
        title: t('place'),
        render: (row) => <bdi className="wrap">{`${row.company.city}, ${row.company.country}`}</bdi>,
      },
      {
        key: 'since',
        title: t('since'),
        noWrap: true,
        render: (row) => <Moment at={row.created_at} precision="day" />,
      },
    ],
    [t],
  )
  return (
    <Stack>
      <Title order={1}>{t('title')}</Title>
      <ResourceTable
        name="accounts"
        label={t('title')}
        columns={columns}
        rowKey={(row) => row.account_id}
        found={found}
        state={state}
        searchLabel={t('search')}
        empty={<Empty icon={IconBuilding} title={t('empty.title')} text={t('empty.text')} />}
      />
      {open && <AccountDialog account={open} onClose={() => setOpen(null)} />}
    </Stack>
  )
}

function person({ contact }: Account): string {
  return [contact.title, contact.first_name, contact.last_name].filter(Boolean).join(' ')
}

function AccountDialog({ account, onClose }: { account: Account; onClose: () => void }) {
  const { t } = useTranslation(['accounts', 'ui'])
  const { company, contact } = account
  return (
    <Modal opened onClose={onClose} title={<bdi>{company.name}</bdi>} size="lg">
      <Stack>
        <Facts
          facts={[
            ...COMPANY.map(
              (name) => [t(`field.${name}`), company[name] && <bdi key={name}>{company[name]}</bdi>] as const,
            ),
            [t('number'), account.order_number],
            [t('since'), <Moment key="since" at={account.created_at} />],
          ]}
        />
        <Title order={3}>{t('contact')}</Title>
        <Facts
          facts={[
            [t('name'), <bdi key="name">{person(account)}</bdi>],
            [t('email'), <bdi key="email">{contact.email}</bdi>],
            [t('telephone'), contact.telephone],
            [t('fax'), contact.fax],
          ]}
        />
        <CopyLine label={t('id')} text={account.account_id} />
        <Text size="sm" c="dimmed">
          {t('read')}
        </Text>
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('ui:close')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
