// SPDX-License-Identifier: Apache-2.0
import { Button, Checkbox, Group, Modal, NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, send } from '@/api/client'
import { useSession } from '@/app/session'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'
import { CopyLine } from '@/ui/Texts'

const DAYS = ['30', '90', '180', '365', ''] as const

/** Name, permissions and life of a token; its secret afterwards, this once. */
export function NewToken({ onMade, onClose }: { onMade: () => Promise<unknown>; onClose: () => void }) {
  const { t } = useTranslation(['profile', 'ui'])
  const { permissions } = useSession()
  const [made, setMade] = useState<Schemas['NewToken'] | null>(null)
  const { form, problem, sending, submit } = useApiForm({
    initial: { name: '', permissions: ['view'] as string[], expires_in_days: '90' },
    check: {
      name: (text: string) => (text.trim() ? null : t('ui:missing')),
      permissions: (chosen: string[]) => (chosen.length ? null : t('token.permissionMissing')),
    } as never,
    send: async ({ name, permissions, expires_in_days }) => {
      const life = expires_in_days === '' ? null : Number(expires_in_days)
      setMade(await send('post', '/api/v1/tokens', { body: { name: name.trim(), permissions, expires_in_days: life } }))
      await onMade()
    },
  })
  if (made) {
    return (
      <Modal opened onClose={onClose} title={t('token.made')} closeOnClickOutside={false}>
        <Stack>
          <Text>{t('token.once')}</Text>
          <CopyLine label={t('token.secret')} text={made.secret} />
          <CopyLine
            label={t('token.use')}
            text={`curl -H "Authorization: Bearer $TOKEN" ${window.location.origin}/api/v1/orders`}
          />
          <Group justify="flex-end">
            <Button onClick={onClose}>{t('token.kept')}</Button>
          </Group>
        </Stack>
      </Modal>
    )
  }
  return (
    <FormDialog title={t('token.make')} form={{ problem, sending, submit }} verb={t('token.make')} onClose={onClose}>
      <TextInput
        label={t('token.name')}
        description={t('token.nameHint')}
        withAsterisk
        autoComplete="off"
        data-autofocus
        {...form.getInputProps('name')}
      />
      <Checkbox.Group label={t('rights')} withAsterisk {...form.getInputProps('permissions')}>
        <Stack gap={6} mt={4}>
          {permissions.map((each) => (
            <Checkbox key={each} value={each} label={t(`ui:permission.${each}`)} />
          ))}
        </Stack>
      </Checkbox.Group>
      <NativeSelect
        label={t('token.life')}
        data={DAYS.map((value) => ({
          value,
          label: value ? t('token.days', { count: Number(value) }) : t('token.never'),
        }))}
        {...form.getInputProps('expires_in_days')}
      />
    </FormDialog>
  )
}
