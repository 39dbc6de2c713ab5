// SPDX-License-Identifier: Apache-2.0
// Mails that were written to the folder because no SMTP server is set, for who runs the installation.
import { Anchor, Button, Group, Modal, Stack, Text, Title } from '@mantine/core'
import { IconMail } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi, useApiPages } from '@/api/client'
import { type Column, ResourceTable } from '@/ui/ResourceTable'
import { Asked, Empty } from '@/ui/Says'
import { Copy, Facts, Moment } from '@/ui/Texts'
import { useTableState } from '@/ui/tableState'

type Mail = Schemas['MailView']
const PAGE = 50
const EVERY_MS = 15_000

export default function MailsPage() {
  const { t } = useTranslation('mails')
  const state = useTableState()
  const [open, setOpen] = useState<Mail | null>(null)
  const found = useApiPages('/api/v1/operator/mails', { query: { limit: PAGE } }, { every: EVERY_MS })
  const columns = useMemo<Column<Mail>[]>(
    () => [
      {
        key: 'at',
        title: t('at'),
        width: 190,
        noWrap: true,
        render: (row) => <Moment at={row.at} precision="second" />,
      },
      { key: 'to', title: t('to'), render: (row) => <bdi className="wrap">{row.to.join(', ')}</bdi> },
      {
        key: 'subject',
        title: t('subject'),
        card: 'heading',
        render: (row) => (
          <Anchor component="button" type="button" inherit ta="left" className="wrap" onClick={() => setOpen(row)}>
            {row.subject}
          </Anchor>
        ),
      },
    ],
    [t],
  )
  return (
    <Stack>
      <Title order={1}>{t('title')}</Title>
      <Text maw={720} c="dimmed">
        {t('intro')}
      </Text>
      <ResourceTable
        name="mails"
        label={t('title')}
        columns={columns}
        rowKey={(row) => row.mail_id}
        found={found}
        state={state}
        empty={<Empty icon={IconMail} title={t('empty.title')} text={t('empty.text')} />}
      />
      {open && <MailDialog mail={open} onClose={() => setOpen(null)} />}
    </Stack>
  )
}

/** The mail as its reader gets it: plain text. */
function MailDialog({ mail, onClose }: { mail: Mail; onClose: () => void }) {
  const { t } = useTranslation(['mails', 'ui'])
  const found = useApi('/api/v1/operator/mails/{mail_id}', { path: { mail_id: mail.mail_id } })
  return (
    <Modal opened onClose={onClose} title={mail.subject} size="xl">
      <Stack>
        <Facts
          facts={[
            [t('at'), <Moment key="at" at={mail.at} precision="second" />],
            [t('to'), <bdi key="to">{mail.to.join(', ')}</bdi>],
          ]}
        />
        <Asked query={found}>
          {({ text }) => (
            <Group gap={4} wrap="nowrap" align="flex-start">
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long mail is scrolled by keyboard */}
              <section className="mail-text" aria-label={t('text')} tabIndex={0}>
                {text}
              </section>
              <Copy text={text} what={t('text')} />
            </Group>
          )}
        </Asked>
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('ui:close')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
