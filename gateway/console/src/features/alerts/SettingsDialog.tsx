// SPDX-License-Identifier: Apache-2.0
import { Button, Checkbox, Group, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi, useCommand } from '@/api/client'
import { useApiForm } from '@/ui/form'
import { Asked, ProblemAlert } from '@/ui/Says'
import { addresses, numbers } from './rule'

interface SettingsDialogProps {
  mayChange: boolean
  onClose: () => void
}

/** How many days before the end alerts begin, how often they are told again, and to whom. */
export function SettingsDialog({ mayChange, onClose }: SettingsDialogProps) {
  const { t } = useTranslation('alerts')
  const found = useApi('/api/v1/alert-settings')
  return (
    <Modal opened onClose={onClose} title={t('settings.title')} size="lg">
      <Asked query={found}>{(rule) => <Rule rule={rule} mayChange={mayChange} onClose={onClose} />}</Asked>
    </Modal>
  )
}

function Rule({ rule, mayChange, onClose }: SettingsDialogProps & { rule: Schemas['AlertSettings'] }) {
  const { t } = useTranslation(['alerts', 'ui'])
  const keep = useCommand('put', '/api/v1/alert-settings', ['/api/v1/alert-settings', '/api/v1/alerts'])
  const { form, problem, sending, submit } = useApiForm({
    initial: {
      days_before: rule.days_before.join(', '),
      repeat_days: String(rule.repeat_days),
      email: rule.email,
      addresses: (rule.addresses ?? []).join('\n'),
    },
    check: {
      days_before: (text: string) => (numbers(text)?.length ? null : t('settings.daysWrong')),
      repeat_days: (text: string) => (numbers(text)?.length === 1 ? null : t('settings.repeatWrong')),
    } as never,
    send: async (values) => {
      await keep.mutateAsync({
        body: {
          // What this form does not show stays as it is.
          ...rule,
          days_before: numbers(values.days_before) ?? [],
          repeat_days: numbers(values.repeat_days)?.[0] ?? 0,
          email: values.email,
          addresses: addresses(values.addresses),
        },
      })
      notifications.show({ message: t('settings.saved') })
      onClose()
    },
  })
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Stack>
        {problem && <ProblemAlert problem={problem} />}
        {!mayChange && <Text size="sm">{t('settings.readOnly')}</Text>}
        <TextInput
          label={t('settings.days')}
          description={t('settings.daysHint')}
          withAsterisk
          autoComplete="off"
          readOnly={!mayChange}
          data-autofocus
          {...form.getInputProps('days_before')}
        />
        <TextInput
          label={t('settings.repeat')}
          description={t('settings.repeatHint')}
          withAsterisk
          inputMode="numeric"
          autoComplete="off"
          readOnly={!mayChange}
          {...form.getInputProps('repeat_days')}
        />
        <Checkbox
          label={t('settings.email')}
          disabled={!mayChange}
          {...form.getInputProps('email', { type: 'checkbox' })}
        />
        <Textarea
          label={t('settings.addresses')}
          description={t('settings.addressesHint')}
          autosize
          minRows={2}
          maxRows={6}
          readOnly={!mayChange}
          spellCheck={false}
          {...form.getInputProps('addresses')}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t(mayChange ? 'ui:cancel' : 'ui:close')}
          </Button>
          {mayChange && (
            <Button type="submit" loading={sending}>
              {t('ui:save')}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  )
}
