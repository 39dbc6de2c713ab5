// SPDX-License-Identifier: Apache-2.0
import { Button, Group, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send } from '@/api/client'
import { useSession } from '@/app/session'
import { useApiForm } from '@/ui/form'
import { ProblemAlert } from '@/ui/Says'

/** Who looks after a certificate, and the account's own words for it. */
export function Description({ certificate }: { certificate: Schemas['InventoryCertificate'] }) {
  const { t } = useTranslation(['certificates', 'ui'])
  const session = useSession()
  const { form, problem, sending, submit } = useApiForm({
    initial: { owner: certificate.owner, tags: certificate.tags.join(', ') },
    send: async ({ owner, tags }) => {
      await send('put', '/api/v1/certificates/{fingerprint_sha256}/description', {
        path: { fingerprint_sha256: certificate.fingerprint_sha256 },
        body: { owner, tags: tags.split(',').filter((tag) => tag.trim() !== '') },
      })
      await queryClient.invalidateQueries({ queryKey: ['/api/v1/certificates'] })
    },
  })
  if (!(session.customer && session.can('create_order'))) return null
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      {problem && <ProblemAlert problem={problem} />}
      <Group align="flex-end" gap="xs">
        <TextInput size="xs" label={t('owner')} autoComplete="off" {...form.getInputProps('owner')} />
        <TextInput size="xs" label={t('tags')} autoComplete="off" {...form.getInputProps('tags')} />
        <Button size="xs" type="submit" variant="default" loading={sending}>
          {t('ui:save')}
        </Button>
      </Group>
    </form>
  )
}
