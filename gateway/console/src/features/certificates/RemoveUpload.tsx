// SPDX-License-Identifier: Apache-2.0
import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send } from '@/api/client'
import { useSession } from '@/app/session'
import { Confirm } from '@/ui/Confirm'

interface RemoveUploadProps {
  certificate: Schemas['InventoryCertificate']
  onRemoved: () => void
}

/** The way back of an upload; nothing where nobody uploaded it. */
export function RemoveUpload({ certificate, onRemoved }: RemoveUploadProps) {
  const { t } = useTranslation('certificates')
  const session = useSession()
  const [asked, setAsked] = useState(false)
  const uploaded = certificate.places.some((place) => place.source === 'uploaded')
  if (!uploaded || !session.customer || !session.can('create_order')) return null
  const name = certificate.names[0] || certificate.common_name || t('noName')
  const remove = async () => {
    const path = { fingerprint_sha256: certificate.fingerprint_sha256 }
    await send('delete', '/api/v1/certificates/{fingerprint_sha256}/upload', { path })
    onRemoved()
    await queryClient.invalidateQueries({ queryKey: ['/api/v1/certificates'] })
  }
  return (
    <>
      <Button variant="default" onClick={() => setAsked(true)}>
        {t('upload.remove')}
      </Button>
      <Confirm
        opened={asked}
        onClose={() => setAsked(false)}
        title={t('upload.removeOf', { name })}
        verb={t('upload.remove')}
        onConfirm={remove}
      >
        {t('upload.removeText')}
      </Confirm>
    </>
  )
}
