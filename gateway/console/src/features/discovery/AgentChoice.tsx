// SPDX-License-Identifier: Apache-2.0
import { Anchor, Input, NativeSelect, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useApi } from '@/api/client'
import { Asked } from '@/ui/Says'

/** The agent that scans its own network; the way to a first one where there is none. */
export function AgentChoice({ field }: { field: { error?: ReactNode } }) {
  const { t } = useTranslation(['discovery', 'ui'])
  const agents = useApi('/api/v1/agents', { query: { limit: 200 } }, { every: 20_000 })
  return (
    <Asked query={agents}>
      {({ items }) =>
        items.length === 0 ? (
          <Input.Wrapper label={t('form.agent')} error={field.error}>
            <Text size="sm">
              {t('form.noAgent')}{' '}
              <Anchor component={Link} to="/servers" underline="always">
                {t('form.addAgent')}
              </Anchor>
            </Text>
          </Input.Wrapper>
        ) : (
          <NativeSelect
            label={t('form.agent')}
            withAsterisk
            maw={420}
            {...field}
            data={[
              { value: '', label: t('form.chooseAgent') },
              ...items.map((one) => ({ value: one.agent_id, label: `${one.name} (${t(`ui:state.${one.state}`)})` })),
            ]}
          />
        )
      }
    </Asked>
  )
}
