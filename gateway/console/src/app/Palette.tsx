// SPDX-License-Identifier: Apache-2.0
// Ctrl-K: every page, what can be begun, and the orders that match what is typed.

import { useDebouncedValue } from '@mantine/hooks'
import { Spotlight, spotlight } from '@mantine/spotlight'
import { IconListDetails, IconSearch, IconShoppingCart } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { useApi } from '@/api/client'
import { PAGES } from './pages'
import { useSession } from './session'

export default function Palette({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(['app', 'ui'])
  const session = useSession()
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const [asked] = useDebouncedValue(text.trim(), 150)
  const orders = useApi(
    '/api/v1/orders',
    { query: { search: asked, limit: 6 } },
    { enabled: asked.length >= 2, keepPrevious: true },
  )
  useEffect(() => spotlight.open(), [])
  const pages = PAGES.filter((page) => page.shown(session) && !page.path.includes(':'))
  return (
    <Spotlight
      query={text}
      onQueryChange={setText}
      shortcut={null}
      onSpotlightClose={onClose}
      nothingFound={t('palette.nothing')}
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} aria-hidden />,
        placeholder: t('palette.placeholder'),
        'aria-label': t('palette.placeholder'),
      }}
      actions={[
        {
          group: t('palette.pages'),
          actions: pages.map(({ path, key, icon: Icon }) => ({
            id: path,
            label: key === 'buy' ? t('palette.buy') : t(`page.${key}`),
            leftSection: key === 'buy' ? <IconShoppingCart size={18} /> : <Icon size={18} />,
            onClick: () => navigate(`/${path}`),
          })),
        },
        {
          group: t('palette.orders'),
          actions: (asked.length >= 2 ? (orders.data?.items ?? []) : []).map((order) => ({
            id: order.order_id,
            label: `${order.number} ${order.common_name || order.product_name}`,
            // Found by the server, by more than the label.
            keywords: [text],
            description: `${order.product_name} · ${t(`ui:state.${order.status}`)}`,
            leftSection: <IconListDetails size={18} />,
            onClick: () => navigate(`/orders/${order.order_id}`),
          })),
        },
      ]}
    />
  )
}
