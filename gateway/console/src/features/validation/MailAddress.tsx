// SPDX-License-Identifier: Apache-2.0
// Whom a validation mail goes to: a constructed address, or a contact that the owner put into the DNS.
import { Button, Group, Select, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi } from '@/api/client'
import { advice } from '@/sentences/say'
import { ProblemAlert } from '@/ui/Says'
import { CopyLine } from '@/ui/Texts'
import type { Authorization } from './NameProof'

/** A method with its address; methods tell where the address stands. */
export interface MailChoice {
  method: string
  email: string
}

export const isMail = (method: string) => method === 'email' || method === 'email_caa' || method === 'email_txt'
const keyOf = ({ method, email }: MailChoice) => `${method} ${email}`

interface Props {
  authorization: Authorization
  choice: MailChoice
  onChoice: (choice: MailChoice) => void
}

export function MailAddress({ authorization, choice, onChoice }: Props) {
  const { t } = useTranslation(['validation', 'sentences'])
  const path = { order_id: authorization.order_id, fqdn: authorization.fqdn }
  const asked = useApi('/api/v1/orders/{order_id}/authorizations/{fqdn}/contacts', { path })
  const inDNS = (asked.data?.contacts ?? []).filter((each) => each.at !== '')
  const shown = [
    ...authorization.email_addresses.map((email) => ({ method: 'email', email })),
    ...inDNS.filter((each) => each.usable).map((each) => ({ method: each.method, email: each.address })),
  ]
  // What was chosen before stays to be seen, also while the DNS is being asked.
  const all = !choice.email || shown.some((each) => keyOf(each) === keyOf(choice)) ? shown : [...shown, choice]
  const whereOf = (each: MailChoice): string => {
    if (each.method === 'email') return t('at.email')
    const found = inDNS.find((one) => one.method === each.method && one.address === each.email)
    return found ? t(`at.${each.method}`, { name: found.at }) : t(`method.${each.method}`)
  }
  const groups = [...new Set(all.map(whereOf))]
  return (
    <Stack gap="xs">
      <Select
        label={t('address')}
        data={groups.map((group) => ({
          group,
          items: all
            .filter((each) => whereOf(each) === group)
            .map((each) => ({ value: keyOf(each), label: each.email })),
        }))}
        value={keyOf(choice)}
        onChange={(value) => onChoice(all.find((each) => keyOf(each) === value) ?? choice)}
        allowDeselect={false}
        maxDropdownHeight={360}
      />
      <div aria-live="polite">
        {asked.isFetching && <Text size="sm">{t('askingContacts')}</Text>}
        {inDNS
          .filter((each) => !each.usable)
          .map((each) => (
            <Text key={`${each.method} ${each.address}`} size="sm" className="wrap">
              {t('contactUnusable', { where: t(`at.${each.method}`, { name: each.at }), address: each.address })}{' '}
              {advice(each.reason, each.advice)}
            </Text>
          ))}
      </div>
      {asked.error && <ProblemAlert problem={asked.error} />}
      {asked.data && <Records view={asked.data} open={inDNS.length === 0} again={asked.refetch} />}
    </Stack>
  )
}

/** Which records make a contact of one's own. Open where there is none yet. */
function Records({ view, open, again }: { view: Schemas['MailContactsView']; open: boolean; again: () => unknown }) {
  const { t } = useTranslation('validation')
  return (
    <details open={open}>
      <summary>{t(open ? 'noContacts' : 'ownContact')}</summary>
      <Stack gap="xs" mt="xs">
        <Text size="sm" c="dimmed">
          {t('contactNote')}
        </Text>
        {view.records.map((record) => (
          <Stack key={record.type} gap={4}>
            <CopyLine label={t('recordNameOf', { type: record.type })} text={record.name} />
            <CopyLine label={t('recordValue', { type: record.type })} text={record.value} />
          </Stack>
        ))}
        <Group>
          <Button variant="default" size="xs" onClick={() => again()}>
            {t('askContacts')}
          </Button>
        </Group>
      </Stack>
    </details>
  )
}
