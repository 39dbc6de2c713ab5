// SPDX-License-Identifier: Apache-2.0
import { Anchor, NativeSelect, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useApi } from '@/api/client'

interface ServerSelectProps {
  label: string
  value: string
  onChange: (serverId: string) => void
  error?: React.ReactNode
  withAsterisk?: boolean
}

/** The account's servers; those that are not connected say so and cannot be chosen. */
export function ServerSelect({ label, value, onChange, error, withAsterisk = true }: ServerSelectProps) {
  const { t } = useTranslation(['csr', 'ui'])
  const found = useApi('/api/v1/servers', { query: { limit: 200 } })
  const servers = found.data?.items ?? []
  if (found.data && servers.length === 0) {
    return (
      <Text size="sm">
        {t('noServer')}{' '}
        <Anchor component={Link} to="/servers" inherit underline="always">
          {t('addAgent')}
        </Anchor>
      </Text>
    )
  }
  return (
    <NativeSelect
      label={label}
      withAsterisk={withAsterisk}
      value={value}
      error={error}
      onChange={(event) => onChange(event.currentTarget.value)}
      data={[
        { value: '', label: t('chooseServer') },
        ...servers.map((server) => ({
          value: server.server_id,
          label: server.state === 'connected' ? server.name : `${server.name} (${t(`ui:state.${server.state}`)})`,
          disabled: server.state !== 'connected',
        })),
      ]}
    />
  )
}
