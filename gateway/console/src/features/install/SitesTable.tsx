// SPDX-License-Identifier: Apache-2.0
// The sites of a server to choose from; those that may not be changed say why.
import { Checkbox, Table, Text } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Reply } from '@/api/client'

export type Site = Reply<'/api/v1/sites', 'get'>['items'][number]

interface SitesTableProps {
  sites: readonly Site[]
  chosen: string[]
  onChange: (siteIds: string[]) => void
}

export function SitesTable({ sites, chosen, onChange }: SitesTableProps) {
  const { t } = useTranslation('install')
  return (
    <Table.ScrollContainer
      minWidth={520}
      scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': t('sites') } as object }}
    >
      <Table aria-label={t('sites')}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('site')}</Table.Th>
            <Table.Th>{t('binding')}</Table.Th>
            <Table.Th>{t('path')}</Table.Th>
            <Table.Th>{t('permission')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sites.map((site) => (
            <Table.Tr key={site.site_id}>
              <Table.Td>
                <Checkbox
                  label={site.name}
                  checked={chosen.includes(site.site_id)}
                  disabled={!site.writable}
                  onChange={(event) =>
                    onChange(
                      event.currentTarget.checked
                        ? [...chosen, site.site_id]
                        : chosen.filter((one) => one !== site.site_id),
                    )
                  }
                />
              </Table.Td>
              <Table.Td>
                {site.bindings.map((one) => (
                  <div key={`${one.address}:${one.port}`}>{`${one.address || '*'}:${one.port}`}</div>
                ))}
              </Table.Td>
              <Table.Td className="wrap">{site.config_path}</Table.Td>
              <Table.Td>
                {site.writable ? (
                  <IconCheck size={16} aria-label={t('writable')} />
                ) : (
                  <Text span size="sm" c="var(--mantine-color-error)">
                    <IconX size={14} aria-hidden /> {site.reason}
                  </Text>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}
