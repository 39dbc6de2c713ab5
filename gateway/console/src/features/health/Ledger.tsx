// SPDX-License-Identifier: Apache-2.0
import { Group, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useApi } from '@/api/client'
import { money } from '@/ui/format'
import { Asked } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Facts } from '@/ui/Texts'

const EVERY_MS = 60_000

/** The proof that every transaction of the ledger adds up to nothing, and what stands on each of its accounts. */
export function Ledger() {
  const { t } = useTranslation('health')
  const found = useApi('/api/v1/operator/ledger', {}, { every: EVERY_MS })
  return (
    <section className="sheet" aria-label={t('ledger.title')}>
      <Title order={2} mb="xs">
        {t('ledger.title')}
      </Title>
      <Asked query={found}>
        {({ transactions, unbalanced, accounts }) => (
          <Stack gap="sm">
            <Group gap="sm">
              <Status state={unbalanced.length === 0 ? 'balanced' : 'unbalanced'} />
              <Text size="sm">{t('ledger.checked', { count: transactions })}</Text>
            </Group>
            {unbalanced.length > 0 && (
              <Text size="sm" className="wrap">
                {t('ledger.unbalanced')} <code>{unbalanced.join(', ')}</code>
              </Text>
            )}
            <Facts facts={Object.entries(accounts).map(([name, minor]) => [name, sum(name, minor)])} />
          </Stack>
        )}
      </Asked>
    </section>
  )
}

/** The currency is the last word of an account's name. */
function sum(name: string, minor: number): string {
  return money(minor, /([A-Z]{3})$/.exec(name)?.[1] ?? 'USD')
}
