// SPDX-License-Identifier: Apache-2.0
// How one FQDN is proved: the method, what it needs, and what was looked for and found.
import { Button, Group, Radio, Select, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useCommand } from '@/api/client'
import { optionReason } from '@/sentences/say'
import { moment } from '@/ui/format'
import { ProblemAlert } from '@/ui/Says'
import { Fqdn, Moment } from '@/ui/Texts'
import { Attempts } from './Attempts'
import { DNSProof, FileProof, MailProof } from './Proofs'

export type Authorization = Schemas['AuthorizationView']
const OLD = ['/api/v1/orders/{order_id}/authorizations', '/api/v1/orders'] as const

export function NameProof({ authorization }: { authorization: Authorization }) {
  const { t } = useTranslation(['validation', 'sentences'])
  const [method, setMethod] = useState(authorization.method)
  const [email, setEmail] = useState(authorization.email || authorization.email_addresses[0] || '')
  const choose = useCommand('put', '/api/v1/orders/{order_id}/authorizations/{fqdn}/method', OLD)
  const path = { order_id: authorization.order_id, fqdn: authorization.fqdn }
  if (authorization.status === 'valid') {
    return (
      <Stack className="proof">
        <Title order={2}>
          <Fqdn name={authorization.fqdn} />
        </Title>
        <Text>
          {t(authorization.reused ? 'reused' : 'proved')}{' '}
          {authorization.expires_at && <Moment at={authorization.expires_at} precision="day" />}
        </Text>
        <Attempts authorization={authorization} />
      </Stack>
    )
  }
  const apply = () => choose.mutate({ path, body: { method, ...(method === 'email' ? { email } : {}) } })
  const settled =
    method === authorization.method && method !== '' && (method !== 'email' || authorization.email_sent_at !== null)
  return (
    <Stack className="proof">
      <Title order={2}>
        <Fqdn name={authorization.fqdn} />
      </Title>
      <Radio.Group label={t('methodLabel')} value={method} onChange={setMethod}>
        <Stack gap={6} mt={4}>
          {authorization.options.map((option) => (
            <Radio
              key={option.method}
              value={option.method}
              disabled={!option.allowed}
              label={t(`method.${option.method}`)}
              description={
                option.allowed
                  ? option.ends
                    ? t('ends', { date: moment(option.ends, 'day') })
                    : undefined
                  : optionReason(option)
              }
            />
          ))}
          <Radio value="" label={t('noneOfTheAbove')} />
        </Stack>
      </Radio.Group>
      {method === 'email' && (
        <Select
          label={t('address')}
          data={authorization.email_addresses}
          value={email}
          onChange={(value) => setEmail(value ?? '')}
          allowDeselect={false}
        />
      )}
      {choose.error && <ProblemAlert problem={choose.error} />}
      {(!settled || method === 'email') && (
        <Group>
          <Button onClick={apply} loading={choose.isPending} variant={settled ? 'default' : 'filled'}>
            {t(method === 'email' ? (settled ? 'resend' : 'sendMail') : method === '' ? 'withdraw' : 'useMethod')}
          </Button>
        </Group>
      )}
      {settled && method === 'email' && <MailProof authorization={authorization} />}
      {settled && method.startsWith('http') && <FileProof authorization={authorization} />}
      {settled && method === 'cname_csr_hash' && <DNSProof authorization={authorization} />}
      <Attempts authorization={authorization} />
    </Stack>
  )
}
