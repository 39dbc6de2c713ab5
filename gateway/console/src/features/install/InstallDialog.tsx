// SPDX-License-Identifier: Apache-2.0
// Automatic installation (guide §3.4): a server, its sites, what would change if somebody wants to see it, then the agent's
// steps as they happen. Of several sites one comes first.
import { Button, Group, Modal, NativeSelect, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { send, useApi, useCommand } from '@/api/client'
import { ServerSelect } from '@/features/csr/ServerSelect'
import type { OrderDialogProps } from '@/features/orders/actions'
import { Asked, ProblemAlert } from '@/ui/Says'
import { Facts, Fqdn } from '@/ui/Texts'
import { PlanReview } from './PlanReview'
import type { Plan } from './PlanView'
import { type Site, SitesTable } from './SitesTable'
import { isOver, Targets } from './Targets'

export default function InstallDialog({ order, onClose }: OrderDialogProps) {
  const { t } = useTranslation(['install', 'ui', 'sentences'])
  const path = { order_id: order.order_id }
  const full = useApi('/api/v1/orders/{order_id}', { path })
  const [server, setServer] = useState('')
  const [picked, setPicked] = useState<string[] | null>(null)
  const [first, setFirst] = useState('')
  const [planning, setPlanning] = useState<Planned[]>([])
  const [plansBusy, setPlansBusy] = useState(false)
  const [planProblem, setPlanProblem] = useState<Error | null>(null)
  const [approved, setApproved] = useState<Approved[]>([])
  const [asked, setAsked] = useState<string[]>([])
  const sites = useApi('/api/v1/sites', { query: { server_id: server, limit: 200 } }, { enabled: server !== '' })
  const install = useCommand('post', '/api/v1/orders/{order_id}/installations', ['/api/v1/orders', '/api/v1/jobs'])
  const names = full.data?.names ?? []
  const fits = (site: Site) => site.writable && site.names.some((name) => names.includes(name))
  const chosen = picked ?? sites.data?.items.filter(fits).map((site) => site.site_id) ?? []
  const canary = chosen.includes(first) ? first : (chosen[0] ?? '')
  const inOrder = [canary, ...chosen.filter((one) => one !== canary)]
  const nameOf = (siteId: string) => sites.data?.items.find((site) => site.site_id === siteId)?.name ?? siteId
  const mine = full.data?.installations.filter((one) => asked.includes(one.installation_id)) ?? []
  const begin = async (siteIds: string[], plans: Approved[]) => {
    const body = { server_id: server, site_ids: siteIds, plans: plans.filter((one) => siteIds.includes(one.site_id)) }
    const done = await install.mutateAsync({ path, body }).catch(() => null)
    if (!done) return
    setApproved(plans)
    setPlanning([])
    // The newest are the ones just asked for, as many as there are sites.
    const kept = mine.filter((one) => !siteIds.includes(one.site_id))
    setAsked([...kept, ...done.installations.slice(0, siteIds.length)].map((one) => one.installation_id))
  }
  const plan = async () => {
    setPlansBusy(true)
    setPlanProblem(null)
    try {
      const jobs = await Promise.all(
        inOrder.map((site_id) =>
          send('post', '/api/v1/installation-plans', { body: { ...path, server_id: server, site_id } }),
        ),
      )
      setPlanning(jobs.map((job, index) => ({ plan_id: job.job_id, site_id: inOrder[index] ?? '' })))
    } catch (error) {
      setPlanProblem(error as Error)
    } finally {
      setPlansBusy(false)
    }
  }
  const approve = (plans: Plan[]) =>
    void begin(
      planning.map((one) => one.site_id),
      planning.map((one) => ({ ...one, plan_sha256: plans.find((p) => p.plan_id === one.plan_id)?.plan_sha256 ?? '' })),
    )
  const problem = install.error ?? planProblem
  const choosing = asked.length === 0 && planning.length === 0
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
        {choosing && (
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
            {chosen.length > 1 && (
              <NativeSelect
                label={t('canary')}
                description={t('canaryText')}
                value={canary}
                onChange={(event) => setFirst(event.currentTarget.value)}
                data={chosen.map((one) => ({ value: one, label: nameOf(one) }))}
              />
            )}
          </>
        )}
        {planning.length > 0 && (
          <PlanReview
            planIds={planning.map((one) => one.plan_id)}
            busy={install.isPending}
            onApprove={approve}
            onBack={() => setPlanning([])}
          />
        )}
        {asked.length > 0 && (
          <Targets
            orderId={order.order_id}
            installations={mine}
            nameOf={nameOf}
            busy={install.isPending}
            onAgain={(siteIds) => void begin(siteIds, approved)}
          />
        )}
        {problem && <ProblemAlert problem={problem} />}
        {planning.length === 0 && (
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t(isOver(mine) ? 'ui:close' : 'ui:cancel')}
            </Button>
            {choosing && (
              <>
                <Button
                  variant="default"
                  disabled={chosen.length === 0}
                  loading={plansBusy}
                  onClick={() => void plan()}
                >
                  {t('showPlan')}
                </Button>
                <Button
                  disabled={chosen.length === 0}
                  loading={install.isPending}
                  onClick={() => void begin(inOrder, [])}
                >
                  {t('continue')}
                </Button>
              </>
            )}
          </Group>
        )}
      </Stack>
    </Modal>
  )
}

interface Planned {
  site_id: string
  plan_id: string
}
interface Approved extends Planned {
  plan_sha256: string
}
