// SPDX-License-Identifier: Apache-2.0
// The amount below which the account is warned (check list 17.06). It is part of the alert settings.
import { Button, Group, Text, TextInput, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi, useCommand } from '@/api/client'
import { useSession } from '@/app/session'
import { useApiForm } from '@/ui/form'
import { minorUnits, money } from '@/ui/format'
import { Asked, ProblemAlert } from '@/ui/Says'

export function LowBalance({ currency }: { currency: string }) {
  const { t } = useTranslation('deposit')
  const session = useSession()
  const settings = useApi('/api/v1/alert-settings')
  return (
    <section className="sheet" aria-label={t('low.title')}>
      <Title order={2} mb="xs">
        {t('low.title')}
      </Title>
      <Asked query={settings}>
        {(found) =>
          session.can('administer') ? (
            // A new amount, such as one that a colleague saved, begins the form anew.
            <ThresholdForm key={found.low_balance ?? 0} settings={found} currency={currency} />
          ) : (
            <Text size="sm">
              {found.low_balance ? t('low.now', { amount: money(found.low_balance, currency) }) : t('low.off')}
            </Text>
          )
        }
      </Asked>
    </section>
  )
}

function ThresholdForm({ settings, currency }: { settings: Schemas['AlertSettings']; currency: string }) {
  const { t } = useTranslation('deposit')
  const save = useCommand('put', '/api/v1/alert-settings', ['/api/v1/alert-settings'])
  const { form, problem, sending, submit } = useApiForm({
    initial: { amount: settings.low_balance ? (settings.low_balance / 100).toFixed(2) : '' },
    places: { '/low_balance': 'amount' },
    check: {
      amount: (text: string) => (text.trim() !== '' && minorUnits(text, currency) === null ? t('low.wrong') : null),
    } as never,
    send: async ({ amount }) => {
      const low_balance = minorUnits(amount, currency) ?? 0
      await save.mutateAsync({ body: { ...settings, low_balance } })
      notifications.show({
        message: low_balance ? t('low.saved', { amount: money(low_balance, currency) }) : t('low.off'),
      })
    },
  })
  return (
    <form onSubmit={(event) => void submit(event)} noValidate aria-label={t('low.title')}>
      {problem && <ProblemAlert problem={problem} />}
      <Text size="sm" c="dimmed" mb="xs">
        {t('low.text')}
      </Text>
      <Group align="flex-start" gap="xs">
        <TextInput
          label={`${t('low.amount')} (${currency})`}
          description={t('low.hint')}
          inputMode="decimal"
          autoComplete="off"
          inputWrapperOrder={['label', 'input', 'error', 'description']}
          {...form.getInputProps('amount')}
        />
        <Button type="submit" variant="default" mt={22} loading={sending}>
          {t('low.save')}
        </Button>
      </Group>
    </form>
  )
}
