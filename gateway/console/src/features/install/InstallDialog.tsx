// SPDX-License-Identifier: Apache-2.0
// Automatic installation (guide §3.4): a server, its sites, then the agent's steps as they happen.
import { Alert, Button, Checkbox, Group, Modal, Stack, Table, Text } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Reply, useApi, useCommand } from '@/api/client'
import { ServerSelect } from '@/features/csr/ServerSelect'
import type { OrderDialogProps } from '@/features/orders/actions'
import { why } from '@/sentences/say'
import { JobSteps } from '@/ui/JobSteps'
import { Asked, ProblemAlert } from '@/ui/Says'
import { Facts, Fqdn } from '@/ui/Texts'

type Site = Reply<'/api/v1/sites', 'get'>['items'][number]

export default function InstallDialog({ order, onClose }: OrderDialogProps) {
  const { t } = useTranslation(['install', 'ui', 'sentences'])
  const path = { order_id: order.order_id }
  const full = useApi('/api/v1/orders/{order_id}', { path })
  const [server, setServer] = useState('')
  const [picked, setPicked] = useState<string[] | null>(null)
  const [asked, setAsked] = useState<string[]>([])
  const sites = useApi('/api/v1/sites', { query: { server_id: server, limit: 200 } }, { enabled: server !== '' })
  const install = useCommand('post', '/api/v1/orders/{order_id}/installations', ['/api/v1/orders', '/api/v1/jobs'])
  const jobs = useApi('/api/v1/jobs', { query: { ...path, limit: 20 } }, { enabled: asked.length > 0 })
  const names = full.data?.names ?? []
  const fits = (site: Site) => site.writable && site.names.some((name) => names.includes(name))
  const chosen = picked ?? sites.data?.items.filter(fits).map((site) => site.site_id) ?? []
  const begin = async () => {
    const done = await install.mutateAsync({ path, body: { server_id: server, site_ids: chosen } }).catch(() => null)
    if (done) setAsked(done.installations.filter((one) => one.status === 'requested').map((one) => one.installation_id))
  }
  const mine = full.data?.installations.filter((one) => asked.includes(one.installation_id)) ?? []
  const over = asked.length > 0 && mine.length > 0 && mine.every((one) => one.status !== 'requested')
  const running = jobs.data?.items.filter((job) => job.kind === 'install_certificate').slice(0, asked.length) ?? []
  return (
    <Modal opened onClose={onClose} title={t('title', { number: order.number })} size="xl">
      <Stack>
        {names.length > 0 && (
          <Facts
            facts={[
              [
                t('name'),
                names.map((name) => (
                  <div key={name}>
                    <Fqdn name={name} />
                  </div>
                )),
              ],
            ]}
          />
        )}
        {asked.length === 0 ? (
          <>
            <ServerSelect
              label={t('server')}
              value={server}
              onChange={(value) => {
                setServer(value)
                setPicked(null)
              }}
            />
            {server && (
              <Asked query={sites}>
                {({ items }) =>
                  items.length === 0 ? (
                    <Text>{t('noSites')}</Text>
                  ) : (
                    <SitesTable sites={items} chosen={chosen} onChange={setPicked} />
                  )
                }
              </Asked>
            )}
          </>
        ) : (
          running.map((job) => <JobSteps key={job.job_id} job={job} />)
        )}
        {over &&
          mine.map((one) => (
            <Alert
              key={one.installation_id}
              variant="light"
              color={one.status === 'installed' ? 'pine' : 'vermilion'}
              role={one.status === 'installed' ? 'status' : 'alert'}
              title={t(one.status === 'installed' ? 'installed' : 'failed')}
            >
              <Text size="sm" className="wrap">
                {one.status === 'installed' ? t('served', { serial: one.served_serial }) : why(one.code, one.reason)}
              </Text>
            </Alert>
          ))}
        {install.error && <ProblemAlert problem={install.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t(over ? 'ui:close' : 'ui:cancel')}
          </Button>
          {asked.length === 0 && (
            <Button disabled={chosen.length === 0} loading={install.isPending} onClick={() => void begin()}>
              {t('continue')}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  )
}

interface SitesTableProps {
  sites: readonly Site[]
  chosen: string[]
  onChange: (siteIds: string[]) => void
}

function SitesTable({ sites, chosen, onChange }: SitesTableProps) {
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
