// SPDX-License-Identifier: Apache-2.0
// The certificate request: made on a server by its agent, or pasted (guide §3.2, §7). For a new order, in place of the
// one that is there, or for a reissue inside the term.
import { Alert, Loader, Modal, SegmentedControl, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '@/api/client'
import type { OrderDialogProps } from '@/features/orders/actions'
import { Asked } from '@/ui/Says'
import { GenerateCSR } from './GenerateCSR'
import { PasteCSR } from './PasteCSR'

interface CSRDialogProps extends OrderDialogProps {
  replace?: boolean
  reissue?: boolean
}

export default function CSRDialog({ order, onClose, replace = false, reissue = false }: CSRDialogProps) {
  const { t } = useTranslation('csr')
  const [way, setWay] = useState('generate')
  const found = useApi('/api/v1/orders/{order_id}', { path: { order_id: order.order_id } })
  const title = reissue ? 'reissueTitle' : replace ? 'replaceTitle' : 'title'
  return (
    <Modal opened onClose={onClose} title={t(title, { number: order.number })} size="lg">
      <Asked query={found}>
        {(full) => (
          <Stack>
            {replace && (
              <Alert color="ochre" variant="light">
                {t('replaceNote')}
              </Alert>
            )}
            {full.validation_level !== 'DV' && <Text size="sm">{t('manual', { level: full.validation_level })}</Text>}
            <SegmentedControl
              aria-label={t('way')}
              value={way}
              onChange={setWay}
              data={[
                { value: 'generate', label: t('generate') },
                { value: 'paste', label: t('paste') },
              ]}
            />
            {way === 'generate' ? (
              <GenerateCSR order={full} reissue={reissue} onClose={onClose} />
            ) : (
              <PasteCSR order={full} reissue={reissue} onClose={onClose} />
            )}
          </Stack>
        )}
      </Asked>
      {found.isFetching && !found.data && <Loader size="sm" />}
    </Modal>
  )
}
