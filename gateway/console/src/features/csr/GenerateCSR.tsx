// SPDX-License-Identifier: Apache-2.0
import { Alert, Button, Group, NativeSelect, Stack, Text } from '@mantine/core'
import { IconKey } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Order, queryClient, send, useApi } from '@/api/client'
import { useApiForm } from '@/ui/form'
import { JobSteps } from '@/ui/JobSteps'
import { ProblemAlert } from '@/ui/Says'
import { Facts, Fqdn } from '@/ui/Texts'
import { ServerSelect } from './ServerSelect'

const ALGORITHMS = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072']

interface WayProps {
  order: Order
  reissue: boolean
  onClose: () => void
}

/** Key and CSR made on the server by its agent; the key never leaves it. */
export function GenerateCSR({ order, reissue, onClose }: WayProps) {
  const { t } = useTranslation(['csr', 'ui'])
  const path = { order_id: order.order_id }
  const [before, setBefore] = useState<{ version: number; at: string } | null>(null)
  const { form, problem, sending, submit } = useApiForm({
    initial: { server_id: '', key_algorithm: 'ec-p256' },
    check: { server_id: (value: string) => (value ? null : t('serverMissing')) } as never,
    send: async (values) => {
      setBefore({ version: order.csr_version, at: new Date(Date.now() - 2000).toISOString() })
      if (reissue) await send('post', '/api/v1/orders/{order_id}/reissue', { path, body: values })
      else await send('post', '/api/v1/orders/{order_id}/csr-requests', { path, body: values })
      await queryClient.invalidateQueries({ queryKey: ['/api/v1/orders'] })
    },
  })
  const jobs = useApi('/api/v1/jobs', { query: { order_id: order.order_id, limit: 5 } }, { enabled: before !== null })
  const job = jobs.data?.items.find((one) => one.kind === 'make_csr' && before && one.created_at >= before.at)
  const done = before !== null && order.csr_version > before.version
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Stack>
        {problem && <ProblemAlert problem={problem} />}
        <Facts
          facts={[
            [t('commonName'), <Fqdn key="cn" name={order.common_name} strong />],
            [t('multidomain'), t(order.names.length > 1 ? 'ui:yes' : 'ui:no')],
            [
              t('domainList'),
              order.names.map((name) => (
                <div key={name}>
                  <Fqdn name={name} />
                </div>
              )),
            ],
            [t('organization'), order.organization?.name],
            [t('country'), order.organization?.country],
            [t('state'), order.organization?.state],
            [t('locality'), order.organization?.locality],
          ]}
        />
        <ServerSelect
          label={t('server')}
          value={form.values.server_id}
          error={form.errors.server_id}
          onChange={(value) => form.setFieldValue('server_id', value)}
        />
        <NativeSelect
          label={t('algorithm')}
          data={ALGORITHMS.map((value) => ({ value, label: t(`key.${value}`) }))}
          {...form.getInputProps('key_algorithm')}
        />
        <Text size="sm" c="dimmed">
          <IconKey size={14} aria-hidden /> {t('keyStays')}
        </Text>
        {job && <JobSteps job={job} />}
        {done && (
          <Alert color="pine" variant="light" role="status">
            {t('done')}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t(done ? 'ui:close' : 'ui:cancel')}
          </Button>
          {!done && (
            <Button type="submit" loading={sending || job?.status === 'waiting' || job?.status === 'claimed'}>
              {t('generate')}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  )
}
