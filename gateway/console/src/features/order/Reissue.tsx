// SPDX-License-Identifier: Apache-2.0
// When the next certificate of the term is due, and whether another CA has chosen that moment.
import { Anchor, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Order } from '@/api/client'
import { Moment } from '@/ui/Texts'

export function Reissue({ order, at }: { order: Order; at: string }) {
  const { t } = useTranslation('order')
  const page = order.suggested?.explanation_url
  return (
    <>
      <Moment at={at} precision="day" />
      {order.suggested && (
        <Text span size="xs" c="dimmed">
          {', '}
          {t('replacedByCA')}
          {page && (
            <>
              {': '}
              <Anchor href={page} target="_blank" rel="noreferrer">
                {t('replacedWhy')}
              </Anchor>
            </>
          )}
        </Text>
      )}
    </>
  )
}
