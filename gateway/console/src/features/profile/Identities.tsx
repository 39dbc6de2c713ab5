// SPDX-License-Identifier: Apache-2.0
// The identity at the operator's OpenID Connect provider: connected with the password given again, removed the same way.
import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconId, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSearchParams } from 'react-router'
import { queryClient, type Schemas, send, useApi } from '@/api/client'
import { ProviderSays, useProvider } from '@/app/useProvider'
import { fromNow, moment } from '@/ui/format'
import { PasswordDialog } from './PasswordDialog'

type Identity = Schemas['OIDCIdentityView']

export function Identities() {
  const { t } = useTranslation('profile')
  const name = useProvider()
  const items = useApi('/api/v1/me/identities').data?.items ?? []
  const [parameters, setParameters] = useSearchParams()
  const [connecting, setConnecting] = useState(false)
  const [removing, setRemoving] = useState<Identity | null>(null)
  const said = parameters.get('oidc')
  if (!name && items.length === 0) return null
  const forget = () => setParameters({}, { replace: true })
  return (
    <section className="sheet" aria-label={t('identity.title')}>
      <Stack>
        <Title order={2}>{t('identity.title')}</Title>
        <Text>{t('identity.text')}</Text>
        {said && <ProviderSays word={said} name={name} connecting />}
        {items.length > 0 ? (
          <ul className="passkeys">
            {items.map((identity) => (
              <Row key={identity.identity_id} identity={identity} onRemove={() => setRemoving(identity)} />
            ))}
          </ul>
        ) : (
          <Group>
            <Button leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setConnecting(true)}>
              {t('identity.connect', { name })}
            </Button>
          </Group>
        )}
      </Stack>
      {connecting && (
        <PasswordDialog
          title={t('identity.connect', { name })}
          text={t('identity.connectText', { name })}
          verb={t('identity.go')}
          dangerous={false}
          onSend={async (body) => {
            const { url } = await send('post', '/api/v1/me/identities/begin', { body })
            window.location.assign(url)
          }}
          onClose={() => setConnecting(false)}
        />
      )}
      {removing && (
        <PasswordDialog
          title={t('identity.disconnect')}
          text={t('identity.disconnectText')}
          verb={t('identity.disconnect')}
          onSend={async (body) => {
            const path = { identity_id: removing.identity_id }
            await send('post', '/api/v1/me/identities/{identity_id}/remove', { path, body })
            forget()
            await queryClient.invalidateQueries({ queryKey: ['/api/v1/me/identities'] })
          }}
          onClose={() => setRemoving(null)}
        />
      )}
    </section>
  )
}

function Row({ identity, onRemove }: { identity: Identity; onRemove: () => void }) {
  const { t } = useTranslation('profile')
  const used = identity.last_used_at
  return (
    <li>
      <IconId size={20} aria-hidden />
      <div>
        <Text fw={600} className="wrap">
          <bdi>{identity.issuer}</bdi>
        </Text>
        <Text size="sm" c="dimmed">
          {t('identity.added', { at: moment(identity.created_at, 'day') })},{' '}
          {used ? t('identity.used', { at: fromNow(used) }) : t('identity.unused')}
        </Text>
      </div>
      <Button size="xs" variant="default" onClick={onRemove}>
        {t('identity.disconnect')}
      </Button>
    </li>
  )
}
