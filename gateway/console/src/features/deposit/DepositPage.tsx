// SPDX-License-Identifier: Apache-2.0
// EPKI Manager (guide §11): what one may do, the deposit, its movements, and the price list.
import { Anchor, Button, Group, Modal, NativeSelect, Stack, Text, TextInput, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useSearchParams } from 'react-router'
import { type Schemas, send, useApi } from '@/api/client'
import { useSession } from '@/app/session'
import { useApiForm } from '@/ui/form'
import { minorUnits, money } from '@/ui/format'
import { Asked, ProblemAlert } from '@/ui/Says'
import { Facts, Moment } from '@/ui/Texts'
import { LowBalance } from './LowBalance'
import { PriceList } from './PriceList'

const RIGHTS = ['replenish_balance', 'create_order', 'view'] as const

export default function DepositPage() {
  const { t } = useTranslation(['deposit', 'ui'])
  const session = useSession()
  const [parameters, setParameters] = useSearchParams()
  const balance = useApi('/api/v1/balance')
  const products = useApi('/api/v1/products')
  const mayAdd = session.can('replenish_balance')
  return (
    <Stack gap="lg">
      <Group justify="space-between">
        <Title order={1}>{t('title')}</Title>
        {mayAdd && (
          <Button size="xs" onClick={() => setParameters({ add: '1' })}>
            {t('add')}
          </Button>
        )}
      </Group>
      <section className="sheet" aria-label={t('rights')}>
        <Facts
          facts={[
            ...RIGHTS.map((right) => [t(`right.${right}`), t(session.can(right) ? 'ui:yes' : 'ui:no')] as const),
            [t('balance'), balance.data && <b key="balance">{money(balance.data.balance, balance.data.currency)}</b>],
          ]}
        />
        {balance.data && !balance.data.deposit && (
          <Text size="sm" c="dimmed" mt="xs">
            {t('noDeposit')}
          </Text>
        )}
      </section>
      <Statement />
      {balance.data?.deposit && <LowBalance currency={balance.data.currency} />}
      <section className="sheet" aria-label={t('prices')}>
        <Title order={2} mb="xs">
          {t('prices')}
        </Title>
        <Asked query={products}>{({ items }) => <PriceList products={items} />}</Asked>
      </section>
      {mayAdd && <AddFunds opened={parameters.has('add')} onClose={() => setParameters({}, { replace: true })} />}
    </Stack>
  )
}

function Statement() {
  const { t } = useTranslation(['deposit', 'ui'])
  const [cursors, setCursors] = useState<string[]>([])
  const cursor = cursors.at(-1)
  const found = useApi(
    '/api/v1/statement',
    { query: { limit: 20, ...(cursor ? { cursor } : {}) } },
    { keepPrevious: true },
  )
  return (
    <section className="sheet" aria-label={t('statement')}>
      <Group justify="space-between" mb="xs">
        <Title order={2}>{t('statement')}</Title>
        <Anchor href="/api/v1/statement.csv" download size="sm">
          {t('ui:csv')}
        </Anchor>
      </Group>
      <Asked query={found}>
        {({ items, next_cursor }) =>
          items.length === 0 ? (
            <Text c="dimmed">{t('noMovement')}</Text>
          ) : (
            <>
              <ul className="movements" aria-label={t('statement')}>
                {items.map((line: Schemas['StatementLine']) => (
                  <li key={line.id}>
                    <Moment at={line.at} />
                    <span className="wrap">
                      {line.order_id ? (
                        <Anchor component={Link} to={`/orders/${line.order_id}`} inherit>
                          {line.text}
                        </Anchor>
                      ) : (
                        line.text
                      )}
                    </span>
                    <span className="number">{money(line.amount, line.currency)}</span>
                    <span className="number dim">{t('after', { balance: money(line.balance, line.currency) })}</span>
                  </li>
                ))}
              </ul>
              <Group mt="sm" gap="xs">
                {cursor && (
                  <Button size="xs" variant="default" onClick={() => setCursors(cursors.slice(0, -1))}>
                    {t('newer')}
                  </Button>
                )}
                {next_cursor && (
                  <Button size="xs" variant="default" onClick={() => setCursors([...cursors, next_cursor])}>
                    {t('older')}
                  </Button>
                )}
              </Group>
            </>
          )
        }
      </Asked>
    </section>
  )
}

function AddFunds({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation(['deposit', 'ui'])
  const [order, setOrder] = useState<Schemas['OrderView'] | null>(null)
  const { form, problem, sending, submit } = useApiForm({
    initial: { amount: '', currency: 'USD' },
    check: { amount: (text: string) => (minorUnits(text, 'USD') ? null : t('amountWrong')) } as never,
    send: async ({ amount, currency }) => {
      setOrder(await send('post', '/api/v1/top-ups', { body: { amount: minorUnits(amount, currency) ?? 0, currency } }))
    },
  })
  const close = () => {
    setOrder(null)
    form.reset()
    onClose()
  }
  return (
    <Modal opened={opened} onClose={close} title={t('refill')}>
      {order ? (
        <Stack>
          <Text role="status">{t('created', { number: order.number })}</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('ui:close')}
            </Button>
            <Button component={Link} to={`/orders/${order.order_id}/payment`}>
              {t('toPayment')}
            </Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={(event) => void submit(event)} noValidate>
          <Stack>
            {problem && <ProblemAlert problem={problem} />}
            <TextInput
              label={t('amount')}
              withAsterisk
              inputMode="decimal"
              autoComplete="off"
              data-autofocus
              {...form.getInputProps('amount')}
            />
            <NativeSelect label={t('currency')} data={['USD']} {...form.getInputProps('currency')} />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {t('ui:cancel')}
              </Button>
              <Button type="submit" loading={sending}>
                {t('ok')}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  )
}
