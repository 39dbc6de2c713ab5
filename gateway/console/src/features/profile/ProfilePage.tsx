// SPDX-License-Identifier: Apache-2.0
// The own user: password, second step, passkeys, provider, browsers that are signed in, API tokens (check list 1.11, 1.12, 3.12, 18.01).
import { Group, Stack, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/app/session'
import { Facts, Moment } from '@/ui/Texts'
import { Identities } from './Identities'
import { Passkeys } from './Passkeys'
import { PasswordForm } from './PasswordForm'
import { SecondStep } from './SecondStep'
import { Sessions } from './Sessions'
import { Tokens } from './Tokens'

export default function ProfilePage() {
  const { t } = useTranslation(['profile', 'ui'])
  const { user, permissions } = useSession()
  return (
    <Stack gap="lg">
      <Title order={1}>{t('title')}</Title>
      <section className="sheet" aria-label={t('you')}>
        <Facts
          facts={[
            [t('login'), <bdi key="login">{user.login}</bdi>],
            [t('email'), <bdi key="email">{user.email}</bdi>],
            [t('rights'), permissions.map((each) => t(`ui:permission.${each}`)).join(', ')],
            [t('lastSignIn'), <Moment key="last" at={user.last_sign_in_at} />],
          ]}
        />
      </section>
      <Group align="stretch" className="halves">
        <PasswordForm />
        <Stack gap="lg">
          <SecondStep />
          <Passkeys />
          <Identities />
        </Stack>
      </Group>
      <Sessions />
      <Tokens />
    </Stack>
  )
}
