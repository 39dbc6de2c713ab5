// SPDX-License-Identifier: Apache-2.0
import { NativeSelect } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useApi } from '@/api/client'
import type { TableState } from '@/ui/tableState'

/** Narrows a list to one server of the account. */
export function ServerFilter({ state }: { state: TableState }) {
  const { t } = useTranslation('servers')
  const servers = useApi('/api/v1/servers', { query: { limit: 200 } })
  return (
    <NativeSelect
      size="xs"
      label={t('server.name')}
      value={state.filters.server_id ?? ''}
      onChange={(event) => state.set({ server_id: event.currentTarget.value })}
      data={[
        { value: '', label: t('server.any') },
        ...(servers.data?.items ?? []).map((one) => ({
          value: one.server_id,
          label: one.address ? `${one.name} (${one.address})` : one.name,
        })),
      ]}
    />
  )
}
