// SPDX-License-Identifier: Apache-2.0
// One entry of the log with everything that is known of it.
import { Button, Group, Modal, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { audit } from '@/sentences/say'
import { CopyLine, Facts, Moment } from '@/ui/Texts'
import { Actor } from './Actor'
import type { Entry } from './AuditPage'
import { Subject } from './Subject'

interface EntryDialogProps {
  entry: Entry
  logins: ReadonlyMap<string, string>
  onClose: () => void
  onlyBy: (actor: string) => void
  onlyType: (type: string) => void
}

export function EntryDialog({ entry, logins, onClose, onlyBy, onlyType }: EntryDialogProps) {
  const { t } = useTranslation(['audit', 'ui', 'sentences'])
  return (
    <Modal opened onClose={onClose} title={t('entry', { position: entry.position })} size="lg">
      <Stack>
        <Text fw={600} className="wrap">
          {audit(entry)}
        </Text>
        <Facts
          facts={[
            [t('column.at'), <Moment key="at" at={entry.at} precision="second" />],
            [t('column.who'), <Actor key="who" actor={entry.actor} logins={logins} />],
            [t('type'), <code key="type">{entry.type}</code>],
            [t('column.subject'), <Subject key="subject" entry={entry} whole />],
            [t('column.address'), entry.remote_address],
            [t('account'), entry.account_id && <code key="account">{entry.account_id}</code>],
          ]}
        />
        {Object.keys(entry.data).length > 0 && (
          <>
            <Title order={3}>{t('data')}</Title>
            <Facts facts={Object.entries(entry.data).map(([name, value]) => [name, <Value key={name} of={value} />])} />
          </>
        )}
        <CopyLine label={t('json')} text={JSON.stringify(entry, null, 2)} />
        <Group justify="flex-end">
          <Button variant="default" onClick={() => onlyType(entry.type)}>
            {t('onlyType')}
          </Button>
          <Button variant="default" onClick={() => onlyBy(entry.actor)}>
            {t('onlyBy')}
          </Button>
          <Button onClick={onClose}>{t('ui:close')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}

/** A value of the event as text, whatever it is. */
function Value({ of }: { of: unknown }) {
  const { t } = useTranslation('ui')
  if (of === null || of === '' || (Array.isArray(of) && of.length === 0)) return <span className="dim">–</span>
  if (typeof of === 'boolean') return t(of ? 'yes' : 'no')
  if (Array.isArray(of) && of.every((one) => typeof one !== 'object')) return of.join(', ')
  return typeof of === 'object' ? <code>{JSON.stringify(of)}</code> : String(of)
}
