// SPDX-License-Identifier: Apache-2.0
// The order wizard (guide §6). The price shown is the price charged: a quote that holds for half an hour.
import { Checkbox, Stack, Title } from '@mantine/core'
import { useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate, useSearchParams } from 'react-router'
import { queryClient, send, useApi } from '@/api/client'
import { Problem } from '@/api/problem'
import { useSession } from '@/app/session'
import { AgreementText } from '@/features/sign-in/Agreements'
import { useApiForm } from '@/ui/form'
import { Asked, ProblemAlert } from '@/ui/Says'
import { Wizard } from '@/ui/Wizard'
import { changesOf, complete, detailsOf, fieldOfAccount, organizationOf, required } from './account'
import { FundsMissing } from './FundsMissing'
import { EMPTY_ORDER, namesOf, STEPS, stepOf } from './fields'
import { NamesStep } from './NamesStep'
import { OrganizationStep } from './OrganizationStep'
import { ProductStep } from './ProductStep'
import { Summary } from './Summary'
import { SummaryStep } from './SummaryStep'
import { refusedVoucher, useQuote } from './useQuote'

export default function BuyPage() {
  const { t } = useTranslation(['buy', 'validation'])
  const navigate = useNavigate()
  const [parameters] = useSearchParams()
  const renews = parameters.get('renews')
  const named = parameters.get('name') ?? ''
  const session = useSession()
  const [at, setAt] = useState(0)
  const [incomplete, setIncomplete] = useState(false)
  const products = useApi('/api/v1/products')
  const agreements = useApi('/api/v1/agreements')
  const account = useApi('/api/v1/account')
  const old = useApi('/api/v1/orders/{order_id}', { path: { order_id: renews ?? '' } }, { enabled: renews !== null })
  const { form, problem, sending, submit, clear } = useApiForm({
    initial: { ...EMPTY_ORDER, common_name: named },
    keepAs: renews ? `renew-${renews}` : named ? `buy-${named}` : 'buy',
    places: { '/names': 'common_name', '/common_name': 'common_name' },
    send: async (values) => {
      const fresh = quote.fresh ?? (await quote.ask())
      if (!fresh || fresh instanceof Problem) return
      const order = await send('post', '/api/v1/orders', {
        body: {
          quote_id: fresh.quote_id,
          common_name: fresh.names[0] ?? '',
          dcv_method: values.dcv_method,
          agreement_accepted: values.agreed,
          ...(product && product.validation_level !== 'DV'
            ? { organization: organizationOf(values.organization) }
            : {}),
          ...(renews ? { renews_order_id: renews } : {}),
        },
      }).catch((error: unknown) => {
        // The price holds no more, such as when somebody else had the voucher's last use: a new one is asked.
        if (error instanceof Problem && error.code === 'quote_expired') void quote.ask()
        throw error
      })
      await queryClient.invalidateQueries({ queryKey: ['/api/v1/orders'] })
      navigate(
        order.status === 'awaiting_payment' && order.amount > 0 && !fresh.deposit
          ? `/orders/${order.order_id}/payment`
          : `/orders/${order.order_id}`,
      )
    },
  })
  const values = form.values
  const product = products.data?.items.find((one) => one.code === values.product)
  const names = useMemo(() => namesOf(values.common_name, values.more), [values.common_name, values.more])
  const quote = useQuote(values.product, names, values.term_years, values.voucher)
  const [voucherRefused, setVoucherRefused] = useState<string | null>(null)
  const refusal = refusedVoucher(quote.problem)

  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each refusal
  useEffect(() => {
    if (refusal === null) return
    setVoucherRefused(refusal)
    form.setFieldValue('voucher', '')
  }, [refusal])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the old order and the catalogue are there
  useEffect(() => {
    if (!old.data || !products.data || values.common_name) return
    const { common_name, names: before, product: code, dcv_method } = old.data
    const more = before.filter((name) => name !== common_name).join('\n')
    form.setValues({ product: code, common_name, more, dcv_method: dcv_method || EMPTY_ORDER.dcv_method })
  }, [old.data, products.data])
  // biome-ignore lint/correctness/useExhaustiveDependencies: filled in once from the account
  useEffect(() => {
    if (!account.data) return
    if (!values.organization.name) form.setFieldValue('organization', detailsOf(account.data))
    // Stays asked once it was, or the steps would move while they are gone through.
    if (session.can('administer') && !complete(account.data)) setIncomplete(true)
  }, [account.data])

  const refuse = (errors: Record<string, string>) => {
    form.setErrors(errors)
    return Object.keys(errors).length === 0
  }
  const namesFit = async (): Promise<boolean> => {
    if (names.length === 0) return refuse({ common_name: t('nameMissing') })
    const asked = await quote.ask()
    // A voucher that is refused is told at its own field, in the last step.
    const fits = asked instanceof Problem ? refusedVoucher(asked) !== null : asked !== null
    return fits && refuse({})
  }
  const level = product?.validation_level ?? ''
  const detailed = incomplete || (level !== '' && level !== 'DV')
  const detailsFit = async (): Promise<boolean> => {
    const missing = required(level, session.can('administer')).filter((field) => !values.organization[field].trim())
    if (missing.length > 0)
      return refuse(Object.fromEntries(missing.map((field) => [`organization.${field}`, t('missing')])))
    const changes = account.data && session.can('administer') && changesOf(values.organization, account.data, level)
    if (!changes) return refuse({})
    try {
      await send('patch', '/api/v1/account', { body: changes })
      await account.refetch()
      return refuse({})
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const told = error.errors.map(({ pointer, detail }) => [fieldOfAccount(pointer ?? ''), detail] as const)
      return refuse(Object.fromEntries(told.map(([field, detail]) => [field ?? 'organization.name', detail])))
    }
  }
  const stepKeys: readonly string[] = detailed ? STEPS : STEPS.filter((key) => key !== 'account')
  // What the server refuses at the end is told at its field, which stands in an earlier step.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each answer
  useEffect(() => {
    const field = Object.keys(form.errors)[0]
    const step = field === undefined ? -1 : stepKeys.indexOf(stepOf(field))
    if (step >= 0 && step < at) setAt(step)
  }, [form.errors])
  const lacking =
    problem instanceof Problem && problem.code === 'insufficient_funds' ? Number(problem.extra.missing ?? 0) : 0
  const subscriber = agreements.data?.items.find((one) => one.kind === 'subscriber')
  return (
    <Stack>
      <Title order={1}>{t(renews ? 'renewTitle' : 'title')}</Title>
      {lacking > 0 ? (
        <FundsMissing missing={lacking} currency={(problem as Problem).extra.currency ?? 'USD'} />
      ) : (
        problem && <ProblemAlert problem={problem} again={clear} />
      )}
      <Asked query={products}>
        {({ items }) => (
          <Wizard
            label={t('title')}
            at={at}
            onStep={setAt}
            onCancel={() => navigate('/orders')}
            finish={t('place')}
            busy={sending}
            onFinish={() => void submit()}
            aside={
              <Summary
                product={product}
                quote={quote}
                method={values.dcv_method}
                names={names}
                years={values.term_years}
              />
            }
            steps={[
              {
                key: 'type',
                title: t('step.type'),
                check: () => refuse(values.product ? {} : { product: t('productMissing') }),
                content: <ProductStep products={items} form={form} />,
              },
              {
                key: 'names',
                title: t('step.names'),
                check: namesFit,
                content: (
                  <NamesStep
                    product={product}
                    form={form}
                    problem={refusal === null ? quote.problem : null}
                    names={names}
                  />
                ),
              },
              ...(detailed
                ? [
                    {
                      key: 'account',
                      title: t('step.account'),
                      check: detailsFit,
                      content: (
                        <OrganizationStep form={form} level={level} mayChangeAccount={session.can('administer')} />
                      ),
                    },
                  ]
                : []),
              {
                key: 'agreement',
                title: t('step.agreement'),
                check: () => refuse(values.agreed ? {} : { agreed: t('agreeMissing') }),
                content: (
                  <Stack>
                    {subscriber && <AgreementText agreement={subscriber} />}
                    <Checkbox label={t('agree')} {...form.getInputProps('agreed', { type: 'checkbox' })} />
                  </Stack>
                ),
              },
              {
                key: 'summary',
                title: t('step.summary'),
                content: (
                  <SummaryStep
                    product={product}
                    values={values}
                    names={names}
                    renews={renews}
                    quote={quote}
                    refused={voucherRefused}
                    told={lacking > 0}
                    onCode={(code) => {
                      setVoucherRefused(null)
                      form.setFieldValue('voucher', code)
                    }}
                  />
                ),
              },
            ]}
          />
        )}
      </Asked>
    </Stack>
  )
}
