// SPDX-License-Identifier: Apache-2.0
import { Alert, Anchor, Text } from '@mantine/core'
import { IconCoin } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useSession } from '@/app/session'
import { money } from '@/ui/format'

/** By how much the deposit falls short, and the way to fill it. What was typed is kept meanwhile. */
export function FundsMissing({ missing, currency }: { missing: number; currency: string }) {
  const { t } = useTranslation('buy')
  const session = useSession()
  return (
    <Alert color="vermilion" variant="light" role="alert" icon={<IconCoin size={18} aria-hidden />}>
      <Text size="sm">{t('fundsMissing', { amount: money(missing, currency) })}</Text>
      {session.can('replenish_balance') ? (
        <Anchor component={Link} to="/deposit?add=1" size="sm" underline="always">
          {t('addFunds')}
        </Anchor>
      ) : (
        <Text size="sm">{t('askForFunds')}</Text>
      )}
    </Alert>
  )
}
