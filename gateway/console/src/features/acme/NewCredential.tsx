// SPDX-License-Identifier: Apache-2.0
import { Alert, Button, Group, Modal, NativeSelect, Stack, Tabs, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, send } from '@/api/client'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'
import { money } from '@/ui/format'
import { CopyLine } from '@/ui/Texts'
import { CLIENTS, commandFor } from './commands'

interface Props {
  products: readonly Schemas['Product'][]
  onMade: () => Promise<unknown>
  onClose: () => void
}

/** Name, product and term; afterwards key id, HMAC key and commands, this once. */
export function NewCredential({ products, onMade, onClose }: Props) {
  const { t } = useTranslation(['acme', 'ui'])
  const [made, setMade] = useState<Schemas['NewACMECredential'] | null>(null)
  const offers = products
    .filter((product) => product.validation_level === 'DV')
    .flatMap((product) => product.terms.map((term) => ({ product, term })))
  const [cheapest] = [...offers].sort((one, other) => one.term.price - other.term.price)
  const { form, problem, sending, submit } = useApiForm({
    initial: { name: '', offer: cheapest ? keyOf(cheapest) : '' },
    check: { name: (text: string) => (text.trim() ? null : t('ui:missing')) } as never,
    send: async ({ name, offer }) => {
      const [product = '', years] = offer.split(' ')
      const body = { name: name.trim(), product, term_years: Number(years) }
      setMade(await send('post', '/api/v1/acme/credentials', { body }))
      await onMade()
    },
  })
  if (made) return <Made made={made} onClose={onClose} />
  return (
    <FormDialog title={t('new.title')} form={{ problem, sending, submit }} verb={t('new.verb')} onClose={onClose}>
      <TextInput
        label={t('name')}
        description={t('new.nameHint')}
        withAsterisk
        autoComplete="off"
        data-autofocus
        {...form.getInputProps('name')}
      />
      <NativeSelect
        label={t('buys')}
        description={t('new.productHint')}
        data={offers.map((each) => ({
          value: keyOf(each),
          label: t('new.offer', {
            name: each.product.name,
            count: each.term.years,
            price: money(each.term.price, each.product.currency),
          }),
        }))}
        {...form.getInputProps('offer')}
      />
    </FormDialog>
  )
}

function keyOf({ product, term }: { product: Schemas['Product']; term: Schemas['Term'] }): string {
  return `${product.code} ${term.years}`
}

function Made({ made, onClose }: { made: Schemas['NewACMECredential']; onClose: () => void }) {
  const { t } = useTranslation('acme')
  const given = { directory: made.directory_url, keyId: made.credential.credential_id, key: made.hmac_key }
  return (
    <Modal opened onClose={onClose} title={t('new.made')} closeOnClickOutside={false} size="lg">
      <Stack>
        <Alert color="ochre" variant="light">
          {t('new.once')}
        </Alert>
        <CopyLine label={t('keyId')} text={given.keyId} />
        <CopyLine label={t('hmacKey')} text={given.key} />
        <Text size="sm">{t('new.commands')}</Text>
        <Tabs defaultValue={CLIENTS[0]}>
          <Tabs.List>
            {CLIENTS.map((client) => (
              <Tabs.Tab key={client} value={client}>
                {client}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {CLIENTS.map((client) => (
            <Tabs.Panel key={client} value={client} pt="sm">
              <CopyLine label={t('new.command', { client })} text={commandFor(client, given)} />
            </Tabs.Panel>
          ))}
        </Tabs>
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('new.kept')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
