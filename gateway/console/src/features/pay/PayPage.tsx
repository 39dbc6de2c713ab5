// SPDX-License-Identifier: Apache-2.0
// The payment page (guide §6). Card data is typed on the provider's own page; neither this page nor our server sees it.
import { Alert, Anchor, Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'
import { send, useApi } from '@/api/client'
import { useConsole } from '@/app/useConsole'
import { money } from '@/ui/format'
import { Asked, ProblemAlert } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Facts } from '@/ui/Texts'

export default function PayPage() {
  const { t } = useTranslation('pay')
  const { orderId = '' } = useParams()
  const path = { order_id: orderId }
  const order = useApi('/api/v1/orders/{order_id}', { path })
  const charge = useApi('/api/v1/orders/{order_id}/payment', { path })
  const account = useApi('/api/v1/account')
  const { support_email, support_phone, support_url } = useConsole()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Error | null>(null)
  const pay = async () => {
    setBusy(true)
    setProblem(null)
    try {
      const { checkout_url } = await send('post', '/api/v1/orders/{order_id}/payment', { path })
      if (checkout_url) window.location.assign(checkout_url)
    } catch (error) {
      setProblem(error as Error)
      setBusy(false)
    }
  }
  return (
    <Asked query={order}>
      {(found) => (
        <div className="wizard-with-aside">
          <Stack>
            <Title order={1}>{t('title')}</Title>
            <section className="sheet" aria-label={t('title')}>
              <Stack>
                <Facts
                  facts={[
                    [t('number'), String(found.number)],
                    [t('product'), found.product_name],
                    [t('amount'), <b key="amount">{money(found.amount, found.currency)}</b>],
                    [t('status'), <Status key="status" state={found.status} />],
                  ]}
                />
                {account.data && (
                  <>
                    <Title order={2}>{t('payer')}</Title>
                    <Facts
                      facts={[
                        [t('company'), account.data.company.name],
                        [t('address'), [account.data.company.address1, account.data.company.city].join(', ')],
                        [t('state'), account.data.company.state],
                        [t('postcode'), account.data.company.postcode],
                        [t('country'), account.data.company.country],
                        [t('phone'), account.data.contact.telephone],
                        [t('email'), account.data.contact.email],
                      ]}
                    />
                  </>
                )}
                {charge.data?.decline_reason && charge.data.status !== 'paid' && (
                  <Alert color="vermilion" variant="light" role="alert" title={t('declined')}>
                    {charge.data.decline_reason}
                  </Alert>
                )}
                {problem && <ProblemAlert problem={problem} />}
                {found.status === 'awaiting_payment' ? (
                  <>
                    <Text size="sm" c="dimmed">
                      <IconLock size={14} aria-hidden /> {t('provider')}
                    </Text>
                    <Group>
                      <Button loading={busy} onClick={() => void pay()}>
                        {t('pay')}
                      </Button>
                      <Button component={Link} to={`/orders/${orderId}`} variant="default">
                        {t('later')}
                      </Button>
                    </Group>
                  </>
                ) : (
                  <Alert color="pine" variant="light" role="status">
                    <Group justify="space-between">
                      <Text size="sm">{t('settled')}</Text>
                      <Button component={Link} to={`/orders/${orderId}`} size="xs">
                        {t('toOrder')}
                      </Button>
                    </Group>
                  </Alert>
                )}
              </Stack>
            </section>
          </Stack>
          <aside className="sheet" aria-label={t('help')}>
            <Stack gap="xs">
              <Title order={2}>{t('help')}</Title>
              <Text size="sm">{t('helpText')}</Text>
              {support_email && <Anchor href={`mailto:${support_email}`}>{support_email}</Anchor>}
              {support_phone && <Text size="sm">{support_phone}</Text>}
              {support_url && (
                <Anchor href={support_url} target="_blank" rel="noreferrer">
                  {t('support')}
                </Anchor>
              )}
            </Stack>
          </aside>
        </div>
      )}
    </Asked>
  )
}
