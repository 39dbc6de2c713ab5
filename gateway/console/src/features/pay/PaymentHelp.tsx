// SPDX-License-Identifier: Apache-2.0
import { Anchor, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useConsole } from '@/app/useConsole'

/** The box beside the payment: who one is, where to go, whom to ask. */
export function PaymentHelp({ company }: { company: string | undefined }) {
  const { t } = useTranslation('pay')
  const { support_email, support_phone, support_url } = useConsole()
  return (
    <aside className="sheet" aria-label={t('help')}>
      <Stack gap="xs">
        {company && (
          <Text size="sm" className="wrap">
            {t('welcome', { company })}
          </Text>
        )}
        <Title order={2}>{t('options')}</Title>
        <Anchor component={Link} to="/orders">
          {t('orders')}
        </Anchor>
        <Anchor component={Link} to="/deposit">
          {t('management')}
        </Anchor>
        <Title order={2} mt="sm">
          {t('help')}
        </Title>
        <Text size="sm">{t('helpText')}</Text>
        {support_email && <Anchor href={`mailto:${support_email}`}>{support_email}</Anchor>}
        {support_phone && <Anchor href={`tel:${support_phone.replace(/[^+\d]/g, '')}`}>{support_phone}</Anchor>}
        {support_url && (
          <Anchor href={support_url} target="_blank" rel="noreferrer">
            {t('support')}
          </Anchor>
        )}
      </Stack>
    </aside>
  )
}
