// SPDX-License-Identifier: Apache-2.0
// What each method needs, ready to copy, and its buttons.
import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '@/api/client'
import { ServerSelect } from '@/features/csr/ServerSelect'
import { ProblemAlert } from '@/ui/Says'
import { CopyLine, Moment } from '@/ui/Texts'
import type { Authorization } from './NameProof'

const OLD = ['/api/v1/orders/{order_id}/authorizations', '/api/v1/orders'] as const
type Props = { authorization: Authorization }
const pathOf = ({ authorization }: Props) => ({ order_id: authorization.order_id, fqdn: authorization.fqdn })

function useCheck(props: Props) {
  const check = useCommand('post', '/api/v1/orders/{order_id}/authorizations/{fqdn}/check', OLD)
  return { ...check, look: () => check.mutate({ path: pathOf(props) }) }
}

export function FileProof(props: Props) {
  const { t } = useTranslation('validation')
  const { file } = props.authorization
  const [server, setServer] = useState('')
  const place = useCommand('post', '/api/v1/orders/{order_id}/authorizations/{fqdn}/file', OLD)
  const check = useCheck(props)
  if (!file) return <Text>{t('needsCSR')}</Text>
  return (
    <Stack gap="sm">
      <CopyLine label={t('url')} text={file.url} />
      <CopyLine label={t('content')} text={file.content} />
      <Text size="sm" c="dimmed">
        {t('fileNote')}
      </Text>
      <ServerSelect label={t('server')} value={server} onChange={setServer} withAsterisk={false} />
      {(place.error ?? check.error) && <ProblemAlert problem={(place.error ?? check.error) as Error} />}
      <Group gap="xs">
        <Button
          disabled={!server}
          loading={place.isPending}
          onClick={() => place.mutate({ path: pathOf(props), body: { server_id: server } })}
        >
          {t('createFile')}
        </Button>
        <Button variant="default" loading={check.isPending} onClick={check.look}>
          {t('submit')}
        </Button>
      </Group>
    </Stack>
  )
}

interface DNSProps extends Props {
  record: Authorization['cname']
  note?: 'dnsNote' | 'persistNote'
}

export function DNSProof({ record, note = 'dnsNote', ...props }: DNSProps) {
  const { t } = useTranslation('validation')
  const check = useCheck(props)
  if (!record) return <Text>{t('needsCSR')}</Text>
  return (
    <Stack gap="sm">
      <CopyLine label={t('recordName')} text={record.name} />
      <CopyLine label={t('recordValue', { type: record.type })} text={record.value} />
      <Text size="sm" c="dimmed">
        {t(note)}
      </Text>
      {check.error && <ProblemAlert problem={check.error} />}
      <Group>
        <Button loading={check.isPending} onClick={check.look}>
          {t('submit')}
        </Button>
      </Group>
    </Stack>
  )
}

export function MailProof(props: Props) {
  const { t } = useTranslation('validation')
  const { authorization } = props
  const [code, setCode] = useState('')
  const give = useCommand('post', '/api/v1/orders/{order_id}/authorizations/{fqdn}/code', OLD)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        give.mutate({ path: pathOf(props), body: { code: code.trim() } })
      }}
    >
      <Stack gap="sm">
        <Text size="sm">
          {t('mailSent', { address: authorization.email })} <Moment at={authorization.email_sent_at} />
        </Text>
        <TextInput
          label={t('code')}
          autoComplete="one-time-code"
          value={code}
          error={give.error?.message}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        <Group>
          <Button type="submit" loading={give.isPending} disabled={code.trim() === ''}>
            {t('send')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
