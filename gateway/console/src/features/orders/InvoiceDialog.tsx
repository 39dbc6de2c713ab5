// SPDX-License-Identifier: Apache-2.0
// Request invoice (guide §5): made once, then found again, downloaded, and mailed as often as one likes.
import { Alert, Button, Group, Modal, Stack, Text, Textarea, TextInput, Title } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send, useApi } from '@/api/client'
import { Problem } from '@/api/problem'
import { useSession } from '@/app/session'
import { useApiForm } from '@/ui/form'
import { money } from '@/ui/format'
import { Asked, Loading, ProblemAlert } from '@/ui/Says'
import { Facts, Moment } from '@/ui/Texts'
import type { OrderDialogProps } from './actions'

type Invoice = Schemas['InvoiceView']
const PATH = '/api/v1/orders/{order_id}/invoice'

export default function InvoiceDialog({ order, onClose }: OrderDialogProps) {
  const { t } = useTranslation('orders')
  const session = useSession()
  const account = useApi('/api/v1/account', {}, { enabled: session.customer })
  const found = useApi(PATH, { path: { order_id: order.order_id } })
  const [done, setDone] = useState<{ invoice: Invoice; again: boolean } | null>(null)
  const none = found.error instanceof Problem && found.error.status === 404
  const invoice = done?.invoice ?? found.data
  const may = session.can('create_order')
  return (
    <Modal opened onClose={onClose} title={t('invoice.title', { number: order.number })} size="lg">
      <Stack>
        {found.isPending && <Loading />}
        {found.error && !none && <ProblemAlert problem={found.error} again={() => found.refetch()} />}
        {done && (
          <Alert color="pine" variant="light" role="status">
            {t(done.again ? 'invoice.sent' : 'invoice.made', { number: done.invoice.number })}
          </Alert>
        )}
        {invoice && <Made invoice={invoice} />}
        {none && !invoice && !may && <Text>{t('invoice.forbidden')}</Text>}
        {may && !done && (invoice || none) && (
          <Asked query={account}>
            {({ contact }) => (
              <InvoiceForm
                orderId={order.order_id}
                email={contact.email}
                known={invoice !== undefined}
                onClose={onClose}
                onDone={(made) => setDone({ invoice: made, again: invoice !== undefined })}
              />
            )}
          </Asked>
        )}
      </Stack>
    </Modal>
  )
}

function Made({ invoice }: { invoice: Invoice }) {
  const { t } = useTranslation('orders')
  return (
    <Group justify="space-between" align="flex-start">
      <Facts
        facts={[
          [t('invoice.number'), <b key="number">{invoice.number}</b>],
          [t('invoice.date'), <Moment key="date" at={invoice.issued_at} precision="day" />],
          [t('invoice.buyer'), <bdi key="buyer">{invoice.buyer.name}</bdi>],
          [t('invoice.vat'), invoice.buyer.vat_number],
          [t('invoice.note'), invoice.note],
          [t('invoice.total'), money(invoice.total, invoice.currency)],
        ]}
      />
      <Button
        component="a"
        href={`/api/v1/orders/${invoice.order_id}/invoice.pdf`}
        download
        size="xs"
        leftSection={<IconDownload size={15} aria-hidden />}
      >
        {t('invoice.download')}
      </Button>
    </Group>
  )
}

interface InvoiceFormProps {
  orderId: string
  email: string
  /** The invoice is there: only its mail can be asked for again. */
  known: boolean
  onClose: () => void
  onDone: (invoice: Invoice) => void
}

function InvoiceForm({ orderId, email, known, onClose, onDone }: InvoiceFormProps) {
  const { t } = useTranslation(['orders', 'ui'])
  const { form, problem, sending, submit } = useApiForm({
    initial: { email, additional: '', vat_number: '', note: '' },
    places: { '/additional_emails': 'additional' },
    send: async ({ additional, ...values }) => {
      const path = { order_id: orderId }
      const additional_emails = additional.split(/[\s,;]+/).filter((each) => each !== '')
      const made = await send('post', PATH, { path, body: { ...values, additional_emails } })
      queryClient.setQueryData([PATH, path, {}], made)
      onDone(made)
    },
  })
  return (
    <form onSubmit={(event) => void submit(event)} noValidate aria-label={t('invoice.submit')}>
      <Stack>
        {known && <Title order={3}>{t('invoice.again')}</Title>}
        {problem && <ProblemAlert problem={problem} />}
        <TextInput
          label={t('invoice.email')}
          withAsterisk
          type="email"
          autoComplete="email"
          data-autofocus
          {...form.getInputProps('email')}
        />
        <Textarea
          label={t('invoice.additional')}
          description={t('invoice.additionalHint')}
          rows={2}
          spellCheck={false}
          {...form.getInputProps('additional')}
        />
        {!known && (
          <>
            <TextInput
              label={t('invoice.vat')}
              description={t('invoice.vatHint')}
              autoComplete="off"
              {...form.getInputProps('vat_number')}
            />
            <Textarea
              label={t('invoice.note')}
              description={t('invoice.noteHint')}
              rows={2}
              {...form.getInputProps('note')}
            />
            <Text size="sm" c="dimmed">
              {t('invoice.once')}
            </Text>
          </>
        )}
        <Text size="sm">{t('invoice.notified')}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('ui:cancel')}
          </Button>
          <Button type="submit" loading={sending}>
            {t(known ? 'invoice.sendAgain' : 'invoice.submit')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
