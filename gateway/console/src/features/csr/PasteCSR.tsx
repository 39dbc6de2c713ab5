// SPDX-License-Identifier: Apache-2.0
import { Alert, Button, Group, List, Stack, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Order, queryClient, type Schemas, send } from '@/api/client'
import { reasonOf, why } from '@/sentences/say'
import { useApiForm } from '@/ui/form'
import { holdsKey } from '@/ui/privateKey'
import { ProblemAlert } from '@/ui/Says'
import { Facts, Fqdn } from '@/ui/Texts'

const MOST = 65_536

interface WayProps {
  order: Order
  reissue: boolean
  onClose: () => void
}

/** A CSR that was made elsewhere. A private key among the text never leaves the page. */
export function PasteCSR({ order, reissue, onClose }: WayProps) {
  const { t } = useTranslation(['csr', 'ui', 'sentences'])
  const path = { order_id: order.order_id }
  const [parsed, setParsed] = useState<Schemas['ParsedCSR'] | null>(null)
  const [keyPasted, setKeyPasted] = useState(false)
  const [busy, setBusy] = useState(false)
  const { form, problem, sending, submit } = useApiForm({
    initial: { csr: '' },
    send: async ({ csr }) => {
      if (reissue) await send('post', '/api/v1/orders/{order_id}/reissue', { path, body: { csr } })
      else await send('put', '/api/v1/orders/{order_id}/csr', { path, body: { csr } })
      await queryClient.invalidateQueries({ queryKey: ['/api/v1/orders'] })
      onClose()
    },
  })
  const change = (text: string) => {
    const key = holdsKey(text)
    setKeyPasted(key)
    setParsed(null)
    form.setFieldValue('csr', key ? '' : text)
  }
  const usable = (): boolean => {
    const wrong =
      form.values.csr.trim() === '' ? t('csrMissing') : form.values.csr.length > MOST ? t('csrTooLong') : null
    if (wrong) form.setErrors({ csr: wrong })
    return wrong === null
  }
  const parse = async () => {
    if (!usable()) return
    setBusy(true)
    try {
      setParsed(await send('post', '/api/v1/csr/parse', { body: { csr: form.values.csr, order_id: order.order_id } }))
    } catch (error) {
      form.setErrors({ csr: reasonOf(error as Error) })
    } finally {
      setBusy(false)
    }
  }
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        if (usable()) void submit()
      }}
    >
      <Stack>
        {problem && <ProblemAlert problem={problem} />}
        {keyPasted && (
          <Alert color="vermilion" variant="light" role="alert">
            {t('privateKey')}
          </Alert>
        )}
        <Textarea
          label={t('yourCSR')}
          description={t('csrHint')}
          rows={8}
          spellCheck={false}
          autoComplete="off"
          classNames={{ input: 'mono' }}
          value={form.values.csr}
          error={form.errors.csr}
          onChange={(event) => change(event.currentTarget.value)}
        />
        {parsed && <Parsed parsed={parsed} />}
        <Group justify="space-between">
          <Group gap="xs">
            <Button variant="default" loading={busy} onClick={() => void parse()}>
              {t('validate')}
            </Button>
            <Button variant="subtle" color="gray" onClick={() => change('')}>
              {t('clear')}
            </Button>
          </Group>
          <Group gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('ui:cancel')}
            </Button>
            <Button type="submit" loading={sending}>
              {t('ui:send')}
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  )
}

/** What the CSR says; text of strangers, shown as text. */
function Parsed({ parsed }: { parsed: Schemas['ParsedCSR'] }) {
  const { t } = useTranslation('csr')
  const or = (text: string) => (text ? <bdi>{text}</bdi> : t('none'))
  return (
    <section aria-label={t('summary')} aria-live="polite">
      <Stack gap="xs">
        {parsed.problems.length > 0 && (
          <Alert color="vermilion" variant="light" title={t('problems')} role="alert">
            <List size="sm">
              {parsed.problems.map((one, index) => (
                <List.Item key={one}>{why(parsed.problem_codes[index] ?? '', one)}</List.Item>
              ))}
            </List>
          </Alert>
        )}
        {parsed.warnings.length > 0 && (
          <Alert color="ochre" variant="light" title={t('warnings')} role="status">
            <List size="sm">
              {parsed.warnings.map((one, index) => (
                <List.Item key={one}>{why(parsed.warning_codes[index] ?? '', one)}</List.Item>
              ))}
            </List>
          </Alert>
        )}
        <Facts
          facts={[
            [t('commonName'), or(parsed.common_name)],
            [
              t('domainList'),
              parsed.names.length > 0
                ? parsed.names.map((name) => (
                    <div key={name}>
                      <Fqdn name={name} />
                    </div>
                  ))
                : t('none'),
            ],
            [t('organization'), or(parsed.organization)],
            [t('unit'), or(parsed.organizational_unit)],
            [t('country'), or(parsed.country)],
            [t('state'), or(parsed.state)],
            [t('locality'), or(parsed.locality)],
            [t('email'), or(parsed.email)],
            [t('algorithm'), `${parsed.key_algorithm} ${parsed.key_size || ''}`],
            [t('signature'), parsed.signature_hash],
            ['MD5', <code key="md5">{parsed.md5}</code>],
            ['SHA-256', <code key="sha">{parsed.sha256}</code>],
          ]}
        />
      </Stack>
    </section>
  )
}
