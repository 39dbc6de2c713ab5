// SPDX-License-Identifier: Apache-2.0
// Domain control validation (guide §3.3): each name on the left, how it is proved on the right.
import { Alert, Modal, Stack, Text, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '@/api/client'
import type { OrderDialogProps } from '@/features/orders/actions'
import { Asked } from '@/ui/Says'
import { Status } from '@/ui/Status'
import { Fqdn, Moment } from '@/ui/Texts'
import { NameProof } from './NameProof'

export default function ValidationDialog({ order, onClose }: OrderDialogProps) {
  const { t } = useTranslation('validation')
  const [chosen, setChosen] = useState('')
  const path = { order_id: order.order_id }
  const full = useApi('/api/v1/orders/{order_id}', { path })
  const found = useApi('/api/v1/orders/{order_id}/authorizations', { path })
  const issued = full.data?.status === 'issued' || full.data?.status === 'installed'
  return (
    <Modal opened onClose={onClose} title={t('title', { number: order.number })} size="xl">
      <Asked query={found}>
        {({ items }) => {
          const shown =
            items.find((one) => one.fqdn === chosen) ?? items.find((one) => one.status !== 'valid') ?? items[0]
          const all = items.length > 0 && items.every((one) => one.status === 'valid')
          return (
            <Stack>
              {all && (
                <Alert color="pine" variant="light" role="status">
                  {t(issued ? 'issued' : 'all')}
                </Alert>
              )}
              {items.length === 0 && <Text>{t('preparing')}</Text>}
              <div className="validation">
                <nav aria-label={t('list')}>
                  <ul className="validation-names">
                    {items.map((one) => (
                      <li key={one.fqdn}>
                        <UnstyledButton
                          className="validation-name"
                          aria-current={one === shown ? 'true' : undefined}
                          onClick={() => setChosen(one.fqdn)}
                        >
                          <Fqdn name={one.fqdn} strong />
                          <Status state={one.status} />
                          <Text span size="xs" c="dimmed" display="block">
                            {one.expires_at ? (
                              <>
                                {t('until')} <Moment at={one.expires_at} precision="day" />
                              </>
                            ) : one.method ? (
                              t(`method.${one.method}`)
                            ) : (
                              t('noMethod')
                            )}
                          </Text>
                        </UnstyledButton>
                      </li>
                    ))}
                  </ul>
                </nav>
                {shown && <NameProof key={shown.fqdn} authorization={shown} />}
              </div>
            </Stack>
          )
        }}
      </Asked>
    </Modal>
  )
}
