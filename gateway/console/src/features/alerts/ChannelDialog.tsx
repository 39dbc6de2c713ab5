// SPDX-License-Identifier: Apache-2.0
import { Button, Checkbox, Group, Modal, NativeSelect, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, send } from '@/api/client'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'
import { CopyLine } from '@/ui/Texts'

type Channel = Schemas['ChannelView']
const KINDS = ['webhook', 'email'] as const
const DIGESTS = ['single', 'daily'] as const
const ABOUT = ['expiry', 'low_balance', 'proof_missing', 'installation_failing', 'site_drift'] as const

interface ChannelDialogProps {
  /** None makes a new one. */
  channel?: Channel
  onKept: () => Promise<unknown>
  onClose: () => void
}

/** Makes a channel, and shows its secret this once; or changes one. */
export function ChannelDialog({ channel, onKept, onClose }: ChannelDialogProps) {
  const { t } = useTranslation(['alerts', 'ui'])
  const [secret, setSecret] = useState('')
  const { form, problem, sending, submit } = useApiForm({
    initial: {
      kind: channel?.kind ?? 'webhook',
      name: channel?.name ?? '',
      // The path of a webhook is not shown again: an empty field leaves the target as it is.
      target: channel?.kind === 'email' ? channel.target : '',
      digest: channel?.digest ?? 'single',
      alerts: channel?.alerts ?? ([...ABOUT] as string[]),
      enabled: channel?.enabled ?? true,
    },
    check: {
      name: (text: string) => (text.trim() ? null : t('ui:missing')),
      target: (text: string) => (channel || text.trim() ? null : t('ui:missing')),
      alerts: (chosen: string[]) => (chosen.length ? null : t('channel.alertsMissing')),
    } as never,
    send: async ({ kind, name, target, digest, alerts, enabled }) => {
      if (channel) {
        await send('patch', '/api/v1/alert-channels/{channel_id}', {
          path: { channel_id: channel.channel_id },
          body: { name, digest, alerts, enabled, ...(target.trim() ? { target } : {}) },
        })
        await onKept()
        onClose()
        return
      }
      const made = await send('post', '/api/v1/alert-channels', { body: { kind, name, target, digest, alerts } })
      await onKept()
      if (made.secret) setSecret(made.secret)
      else onClose()
    },
  })
  if (secret) {
    return (
      <Modal opened onClose={onClose} title={t('channel.made')} size="lg" closeOnClickOutside={false}>
        <Stack>
          <Text>{t('channel.once')}</Text>
          <CopyLine label={t('channel.secret')} text={secret} />
          <Group justify="flex-end">
            <Button onClick={onClose}>{t('channel.stored')}</Button>
          </Group>
        </Stack>
      </Modal>
    )
  }
  const webhook = form.getValues().kind === 'webhook'
  return (
    <FormDialog
      title={channel ? t('channel.changeOf', channel) : t('channel.add')}
      form={{ problem, sending, submit }}
      verb={t(channel ? 'ui:save' : 'channel.add')}
      size="lg"
      onClose={onClose}
    >
      {!channel && (
        <NativeSelect
          label={t('channel.kind')}
          data={KINDS.map((value) => ({ value, label: t(`channel.kinds.${value}`) }))}
          {...form.getInputProps('kind')}
        />
      )}
      <TextInput
        label={t('channel.name')}
        description={t('channel.nameHint')}
        withAsterisk
        autoComplete="off"
        data-autofocus
        {...form.getInputProps('name')}
      />
      <TextInput
        label={t(webhook ? 'channel.url' : 'channel.address')}
        description={t(webhook ? (channel ? 'channel.urlKept' : 'channel.urlHint') : 'channel.addressHint')}
        withAsterisk={!channel}
        autoComplete="off"
        spellCheck={false}
        placeholder={channel && webhook ? channel.target : undefined}
        {...form.getInputProps('target')}
      />
      <NativeSelect
        label={t('channel.digest')}
        data={DIGESTS.map((value) => ({ value, label: t(`channel.digests.${value}`) }))}
        {...form.getInputProps('digest')}
      />
      <Checkbox.Group label={t('channel.alerts')} {...form.getInputProps('alerts')}>
        <Stack gap={8} mt={4}>
          {ABOUT.map((value) => (
            <Checkbox key={value} value={value} label={t(`kind.${value}`)} />
          ))}
        </Stack>
      </Checkbox.Group>
      {channel && <Switch label={t('channel.enabled')} {...form.getInputProps('enabled', { type: 'checkbox' })} />}
    </FormDialog>
  )
}
