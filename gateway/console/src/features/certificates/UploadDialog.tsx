// SPDX-License-Identifier: Apache-2.0
// Certificates that nobody sees served, by file or pasted. A private key among them never leaves the page.
import { Alert, Button, FileInput, Group, List, Modal, Stack, Text, Textarea } from '@mantine/core'
import { IconFileCertificate } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send } from '@/api/client'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'
import { holdsKey } from '@/ui/privateKey'
import { Moment } from '@/ui/Texts'
import { contentOf } from './upload'

const MOST = 512 * 1024
const FILES = '.pem,.crt,.cer,.der,.p7b,.p7c,.txt'

export function UploadDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(['certificates', 'ui', 'sentences'])
  const [keySeen, setKeySeen] = useState(false)
  const [done, setDone] = useState<Schemas['UploadedCertificate'][] | null>(null)
  const api = useApiForm({
    initial: { content: '' },
    check: {
      content: (text: string) =>
        text.trim() === '' ? t('upload.missing') : text.length > MOST ? t('upload.tooLarge') : null,
    },
    send: async ({ content }) => {
      const { items } = await send('post', '/api/v1/certificates', { body: { content } })
      await queryClient.invalidateQueries({ queryKey: ['/api/v1/certificates'] })
      setDone(items)
    },
  })
  const { form } = api
  const take = (text: string) => {
    const key = holdsKey(text)
    setKeySeen(key)
    form.setFieldValue('content', key ? '' : text)
  }
  const read = async (file: File | null) => {
    if (!file) return
    if (file.size > MOST) return form.setFieldError('content', t('upload.tooLarge'))
    try {
      take(contentOf(new Uint8Array(await file.arrayBuffer())))
    } catch {
      form.setFieldError('content', t('upload.fileUnreadable'))
    }
  }
  if (done) return <Done items={done} onClose={onClose} />
  return (
    <FormDialog title={t('upload.title')} form={api} verb={t('upload.send')} size="lg" onClose={onClose}>
      <Text size="sm">{t('upload.text')}</Text>
      {keySeen && (
        <Alert color="vermilion" variant="light" role="alert">
          {t('upload.privateKey')}
        </Alert>
      )}
      <FileInput
        label={t('upload.file')}
        placeholder={FILES.replaceAll(',', ' ')}
        accept={FILES}
        leftSection={<IconFileCertificate size={16} aria-hidden />}
        value={null}
        onChange={(file) => void read(file)}
      />
      <Textarea
        label={t('upload.content')}
        description={t('upload.hint')}
        rows={8}
        spellCheck={false}
        autoComplete="off"
        classNames={{ input: 'mono' }}
        value={form.values.content}
        error={form.errors.content}
        onChange={(event) => take(event.currentTarget.value)}
      />
    </FormDialog>
  )
}

/** What was taken over. Names of strangers, shown as text. */
function Done({ items, onClose }: { items: Schemas['UploadedCertificate'][]; onClose: () => void }) {
  const { t } = useTranslation(['certificates', 'ui'])
  const known = items.filter((one) => one.known).length
  return (
    <Modal opened onClose={onClose} title={t('upload.title')} size="lg">
      <Stack>
        <Text role="status">
          {t('upload.done', { count: items.length })}
          {known > 0 && `, ${t('upload.known', { count: known })}`}
        </Text>
        <List size="sm">
          {items.map((one) => (
            <List.Item key={one.fingerprint_sha256}>
              <bdi className="wrap">{one.names[0] || one.common_name || t('noName')}</bdi>{' '}
              <span className="dim">
                <Moment at={one.not_after} precision="day" />
              </span>
            </List.Item>
          ))}
        </List>
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('ui:close')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
