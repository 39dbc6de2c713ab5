// SPDX-License-Identifier: Apache-2.0
// Who pays, filled in from the account, and the way to the provider's page.
import { Button, Group, NativeSelect, Stack, Text, TextInput, Title } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type Order, queryClient, type Schemas, send } from '@/api/client'
import { countries } from '@/ui/countries'
import { useApiForm } from '@/ui/form'
import { ProblemAlert } from '@/ui/Says'

const AWAY_MS = 10_000
const REQUIRED = ['name', 'address1', 'city', 'country'] as const

interface PayerFormProps {
  order: Order
  account: Schemas['AccountView']
  /** The payment page is open already, with the payer that was named then. */
  begun: boolean
}

export function PayerForm({ order, account, begun }: PayerFormProps) {
  const { t } = useTranslation(['pay', 'sign-up'])
  const { company, contact } = account
  const { form, problem, sending, submit } = useApiForm({
    initial: {
      payer: {
        name: company.name,
        address1: company.address1,
        city: company.city,
        state: company.state,
        postcode: company.postcode,
        country: company.country,
        phone: contact.telephone,
        email: contact.email,
      },
    },
    check: {
      payer: Object.fromEntries(
        REQUIRED.map((name) => [name, (text: string) => (text.trim() === '' ? t('missing') : null)]),
      ),
    } as never,
    send: async ({ payer }) => {
      const path = { order_id: order.order_id }
      const body = begun ? {} : { payer }
      const { checkout_url } = await send('post', '/api/v1/orders/{order_id}/payment', { path, body })
      if (!checkout_url) {
        await queryClient.invalidateQueries({ queryKey: ['/api/v1/orders/{order_id}'] })
        return
      }
      window.location.assign(checkout_url)
      // The button stays busy until the browser has left.
      await new Promise((resolve) => setTimeout(resolve, AWAY_MS))
    },
  })
  useEffect(() => {
    // "Back" from the provider may show this page as it was left, busy for ever.
    const shown = (event: PageTransitionEvent) => event.persisted && window.location.reload()
    window.addEventListener('pageshow', shown)
    return () => window.removeEventListener('pageshow', shown)
  }, [])
  const field = (name: keyof typeof form.values.payer) => ({
    withAsterisk: REQUIRED.some((one) => one === name),
    ...form.getInputProps(`payer.${name}`),
  })
  return (
    <form onSubmit={(event) => void submit(event)} noValidate aria-label={t('payer')}>
      <Stack>
        {problem && <ProblemAlert problem={problem} />}
        {!begun && (
          <>
            <Title order={2}>{t('payer')}</Title>
            <Text size="sm">{t('required')}</Text>
            <div className="two-columns">
              <TextInput label={t('company')} autoComplete="organization" {...field('name')} />
              <TextInput label={t('address1')} autoComplete="address-line1" {...field('address1')} />
              <TextInput label={t('city')} autoComplete="address-level2" {...field('city')} />
              <TextInput label={t('state')} autoComplete="address-level1" {...field('state')} />
              <TextInput label={t('postcode')} autoComplete="postal-code" {...field('postcode')} />
              <NativeSelect
                label={t('country')}
                autoComplete="country"
                data={countries(t('sign-up:selectCountry'))}
                {...field('country')}
              />
              <TextInput label={t('phone')} autoComplete="tel" {...field('phone')} />
              <TextInput label={t('email')} autoComplete="email" {...field('email')} />
            </div>
          </>
        )}
        <Text size="sm" c="dimmed">
          <IconLock size={14} aria-hidden /> {t('provider')}
        </Text>
        <Group>
          <Button type="submit" loading={sending}>
            {t('pay')}
          </Button>
          <Button component={Link} to={`/orders/${order.order_id}`} variant="default">
            {t('later')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
