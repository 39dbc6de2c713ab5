// SPDX-License-Identifier: Apache-2.0
import { Anchor, Group, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useApi } from '@/api/client'
import { money } from '@/ui/format'
import { useSession } from '../session'

/** The deposit balance, for accounts that pay from one (guide §2). */
export function BalancePanel() {
  const { t } = useTranslation('app')
  const session = useSession()
  const found = useApi('/api/v1/balance')
  if (!found.data?.deposit) return null
  return (
    <section className="rail-panel" aria-label={t('balance.title')}>
      <Text className="rail-group">{t('balance.title')}</Text>
      <Group justify="space-between" wrap="nowrap" px="sm">
        <Text className="rail-money">{money(found.data.balance, found.data.currency)}</Text>
        {session.can('replenish_balance') && (
          <Anchor component={Link} to="/deposit?add=1" className="rail-more">
            {t('balance.add')}
          </Anchor>
        )}
      </Group>
    </section>
  )
}
