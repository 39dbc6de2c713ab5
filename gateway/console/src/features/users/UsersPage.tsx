// SPDX-License-Identifier: Apache-2.0
// The users of the account and what each may do; for operators, the operators.
import { ActionIcon, Button, Group, Stack, Text, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconEdit, IconKey, IconPlus, IconTrash, IconUsers } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApiPages, useCommand } from '@/api/client'
import { useSession } from '@/app/session'
import { Confirm } from '@/ui/Confirm'
import { type Column, ResourceTable } from '@/ui/ResourceTable'
import { Empty } from '@/ui/Says'
import { Moment } from '@/ui/Texts'
import { useTableState } from '@/ui/tableState'
import { AddUser } from './AddUser'
import { ChangeUser } from './ChangeUser'
import { GivePassword } from './GivePassword'

export type User = Schemas['UserView']
type Doing = { what: 'change' | 'password' | 'remove'; user: User }

function secondOf(user: User): string {
  if (user.passkeys > 0) return user.totp ? 'both' : 'passkey'
  if (user.totp) return 'totp'
  return user.account_id ? 'number' : 'none'
}

export default function UsersPage() {
  const { t } = useTranslation(['users', 'ui'])
  const session = useSession()
  const state = useTableState()
  const [adding, setAdding] = useState(false)
  const [doing, setDoing] = useState<Doing | null>(null)
  const found = useApiPages('/api/v1/users', { query: { limit: 100 } })
  const remove = useCommand('delete', '/api/v1/users/{user_id}', ['/api/v1/users'])
  const close = () => setDoing(null)
  const own = session.user.user_id
  const columns = useMemo<Column<User>[]>(
    () => [
      {
        key: 'login',
        title: t('login'),
        card: 'heading',
        render: (row) => (
          <>
            <Text span fw={600} inherit className="wrap">
              <bdi>{row.login}</bdi>
            </Text>
            {row.user_id === own && (
              <Text span size="xs" c="dimmed">
                {` ${t('you')}`}
              </Text>
            )}
            {row.must_change_password && (
              <Text size="xs" c="dimmed" fw={400}>
                {t('temporary')}
              </Text>
            )}
          </>
        ),
      },
      { key: 'email', title: t('email'), render: (row) => <bdi className="wrap">{row.email}</bdi> },
      {
        key: 'permissions',
        title: t('permissions'),
        render: (row) => row.permissions.map((one) => t(`ui:permission.${one}`)).join(', '),
      },
      {
        key: 'second',
        title: t('second.title'),
        render: (row) => t(`second.${secondOf(row)}`),
      },
      {
        key: 'last',
        title: t('last'),
        noWrap: true,
        render: (row) => (row.last_sign_in_at ? <Moment at={row.last_sign_in_at} /> : t('never')),
      },
      {
        key: 'created',
        title: t('created'),
        noWrap: true,
        optional: true,
        render: (row) => <Moment at={row.created_at} precision="day" />,
      },
      {
        key: 'actions',
        title: t('actions'),
        card: 'foot',
        width: 120,
        render: (row) => (
          <Group gap={4} wrap="nowrap">
            {(
              [
                ['change', IconEdit],
                ['password', IconKey],
                ['remove', IconTrash],
              ] as const
            ).map(([what, Icon]) => (
              <ActionIcon
                key={what}
                variant="subtle"
                color="gray"
                aria-label={t(`${what}.of`, { login: row.login })}
                title={t(`${what}.short`)}
                onClick={() => setDoing({ what, user: row })}
              >
                <Icon size={16} />
              </ActionIcon>
            ))}
          </Group>
        ),
      },
    ],
    [t, own],
  )
  return (
    <Stack>
      <Title order={1}>{t(session.customer ? 'title' : 'operators')}</Title>
      <Text maw={720} c="dimmed">
        {t(session.customer ? 'intro' : 'operatorsIntro')}
      </Text>
      <ResourceTable
        name="users"
        label={t('title')}
        columns={columns}
        rowKey={(row) => row.user_id}
        found={found}
        state={state}
        actions={
          <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setAdding(true)}>
            {t('add.title')}
          </Button>
        }
        empty={<Empty icon={IconUsers} title={t('empty')} text={t('intro')} />}
      />
      {adding && <AddUser onClose={() => setAdding(false)} />}
      {doing?.what === 'change' && <ChangeUser user={doing.user} onClose={close} />}
      {doing?.what === 'password' && <GivePassword user={doing.user} onClose={close} />}
      <Confirm
        opened={doing?.what === 'remove'}
        onClose={close}
        title={t('remove.of', { login: doing?.user.login ?? '' })}
        verb={t('ui:remove')}
        typed={doing?.user.login ?? ''}
        onConfirm={async () => {
          await remove.mutateAsync({ path: { user_id: doing?.user.user_id ?? '' } })
          notifications.show({ message: t('remove.done', { login: doing?.user.login ?? '' }) })
        }}
      >
        {t('remove.text')}
      </Confirm>
    </Stack>
  )
}
