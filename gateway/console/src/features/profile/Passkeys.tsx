// SPDX-License-Identifier: Apache-2.0
// Passkeys (WebAuthn): added with the password given again, removed the same way.
import { Button, Group, Stack, Text, TextInput, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconFingerprint, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send, useApi } from '@/api/client'
import { makePasskey } from '@/api/passkeys'
import { passkeyProblem, usePasskeysMissing } from '@/app/usePasskeys'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'
import { fromNow, moment } from '@/ui/format'
import { PasswordField } from '@/ui/PasswordField'
import { Asked } from '@/ui/Says'
import { Codes } from './Codes'
import { PasswordDialog } from './PasswordDialog'

type Passkey = Schemas['PasskeyView']
const refresh = () =>
  Promise.all(
    (['/api/v1/me/passkeys', '/api/v1/session'] as const).map((path) =>
      queryClient.invalidateQueries({ queryKey: [path] }),
    ),
  )

export function Passkeys() {
  const { t } = useTranslation('profile')
  const missing = usePasskeysMissing()
  const found = useApi('/api/v1/me/passkeys')
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<Passkey | null>(null)
  const [codes, setCodes] = useState<readonly string[] | null>(null)
  return (
    <section className="sheet" aria-label={t('passkey.title')}>
      <Stack>
        <Title order={2}>{t('passkey.title')}</Title>
        <Text>{t('passkey.text')}</Text>
        <Asked query={found}>
          {({ items }) =>
            items.length > 0 ? (
              <ul className="passkeys">
                {items.map((passkey) => (
                  <Row key={passkey.passkey_id} passkey={passkey} onRemove={() => setRemoving(passkey)} />
                ))}
              </ul>
            ) : missing ? null : (
              <Text c="dimmed">{t('passkey.empty')}</Text>
            )
          }
        </Asked>
        {missing ? (
          <Text c="dimmed">{t(`passkey.missing.${missing}`)}</Text>
        ) : (
          <Group>
            <Button
              leftSection={<IconPlus size={15} aria-hidden />}
              disabled={missing === null}
              onClick={() => setAdding(true)}
            >
              {t('passkey.add')}
            </Button>
          </Group>
        )}
      </Stack>
      {adding && (
        <Add
          onClose={() => setAdding(false)}
          onAdded={(made) => {
            setAdding(false)
            if (made.recovery_codes.length > 0) setCodes(made.recovery_codes)
          }}
        />
      )}
      {codes && <Codes codes={codes} onClose={() => setCodes(null)} />}
      {removing && (
        <PasswordDialog
          title={t('passkey.removeOf', { name: removing.name })}
          text={t('passkey.removeText')}
          verb={t('passkey.remove')}
          onSend={async (body) => {
            const path = { passkey_id: removing.passkey_id }
            await send('post', '/api/v1/me/passkeys/{passkey_id}/remove', { path, body })
            await refresh()
          }}
          onClose={() => setRemoving(null)}
        />
      )}
    </section>
  )
}

function Row({ passkey, onRemove }: { passkey: Passkey; onRemove: () => void }) {
  const { t } = useTranslation('profile')
  const used = passkey.last_used_at
  return (
    <li>
      <IconFingerprint size={20} aria-hidden />
      <div>
        <Text fw={600} className="wrap">
          <bdi>{passkey.name}</bdi>
        </Text>
        <Text size="sm" c="dimmed">
          {t('passkey.added', { at: moment(passkey.created_at, 'day') })},{' '}
          {used ? t('passkey.used', { at: fromNow(used) }) : t('passkey.unused')}
        </Text>
      </div>
      <Button size="xs" variant="default" aria-label={t('passkey.removeOf', { name: passkey.name })} onClick={onRemove}>
        {t('passkey.remove')}
      </Button>
    </li>
  )
}

function Add({ onClose, onAdded }: { onClose: () => void; onAdded: (made: Schemas['NewPasskey']) => void }) {
  const { t } = useTranslation(['profile', 'ui'])
  const { form, problem, sending, submit } = useApiForm({
    initial: { name: '', current_password: '' },
    check: {
      name: (text: string) => (text.trim() ? null : t('ui:missing')),
      current_password: (text: string) => (text ? null : t('ui:missing')),
    } as never,
    send: async ({ name, current_password }) => {
      const creation = await send('post', '/api/v1/me/passkeys/begin', { body: { name, current_password } })
      const answer = await makePasskey(creation).catch((error) => {
        throw passkeyProblem(error, t)
      })
      const made = await send('post', '/api/v1/me/passkeys', { body: { name, ...answer } })
      await refresh()
      notifications.show({ message: t('passkey.done', { name: made.passkey.name }) })
      onAdded(made)
    },
  })
  return (
    <FormDialog title={t('passkey.add')} form={{ problem, sending, submit }} verb={t('passkey.add')} onClose={onClose}>
      <Text>{t('passkey.then')}</Text>
      <TextInput
        label={t('passkey.name')}
        description={t('passkey.nameHint')}
        withAsterisk
        autoComplete="off"
        data-autofocus
        {...form.getInputProps('name')}
      />
      <PasswordField
        label={t('password.current')}
        autoComplete="current-password"
        {...form.getInputProps('current_password')}
      />
    </FormDialog>
  )
}
