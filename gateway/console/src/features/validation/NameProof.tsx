// SPDX-License-Identifier: Apache-2.0
// How one FQDN is proved: the method, what it needs, and what was looked for and found.
import { Button, Group, Radio, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useCommand } from '@/api/client'
import { Preflight } from '@/features/preflight/Preflight'
import { optionReason } from '@/sentences/say'
import { moment } from '@/ui/format'
import { ProblemAlert } from '@/ui/Says'
import { Fqdn, Moment } from '@/ui/Texts'
import { Attempts } from './Attempts'
import { isMail, MailAddress } from './MailAddress'
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
  const apply = () => choose.mutate({ path, body: { method, ...(isMail(method) ? { email } : {}) } })
  // Which of the three ways by mail it is follows from the address.
  const offered = authorization.options.filter((each) => each.method === 'email' || !isMail(each.method))
  const pick = (value: string) => {
    setMethod(value)
    if (value === 'email') setEmail(authorization.email_addresses[0] ?? '')
  }
  const settled =
    method === authorization.method && method !== '' && (!isMail(method) || authorization.email_sent_at !== null)
  return (
    <Stack className="proof">
      <Title order={2}>
        <Fqdn name={authorization.fqdn} />
      </Title>
      <Radio.Group label={t('methodLabel')} value={isMail(method) ? 'email' : method} onChange={pick}>
        <Stack gap={6} mt={4}>
          {offered.map((option) => (
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
      {isMail(method) && (
        <MailAddress
          authorization={authorization}
          choice={{ method, email }}
          onChoice={(choice) => {
            setMethod(choice.method)
            setEmail(choice.email)
          }}
        />
      )}
      {choose.error && <ProblemAlert problem={choose.error} />}
      {(!settled || isMail(method)) && (
        <Group>
          <Button onClick={apply} loading={choose.isPending} variant={settled ? 'default' : 'filled'}>
            {t(isMail(method) ? (settled ? 'resend' : 'sendMail') : method === '' ? 'withdraw' : 'useMethod')}
          </Button>
        </Group>
      )}
      {settled && isMail(method) && <MailProof authorization={authorization} />}
      {settled && method.startsWith('http') && <FileProof authorization={authorization} />}
      {settled && method === 'cname_csr_hash' && (
        <DNSProof authorization={authorization} record={authorization.cname} />
      )}
      {settled && method === 'txt_csr_hash' && <DNSProof authorization={authorization} record={authorization.txt} />}
      {settled && method === 'dns_persist' && (
        <DNSProof authorization={authorization} record={authorization.persist} note="persistNote" />
      )}
      <Attempts authorization={authorization} />
      <Preflight names={[authorization.fqdn]} method={method} label="checkName" />
    </Stack>
  )
}
