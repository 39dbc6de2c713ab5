// SPDX-License-Identifier: Apache-2.0
import { Anchor } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import type { Entry } from './AuditPage'

const STREAM = /^([a-z_]+)-(.+)$/

/** What the event happened to; an order leads to its page. */
export function Subject({ entry, whole = false }: { entry: Entry; whole?: boolean }) {
  const { t, i18n } = useTranslation('audit')
  const [, kind = '', id = entry.subject] = STREAM.exec(entry.subject) ?? []
  const order = kind === 'order' ? id : entry.data.order_id
  const words = i18n.exists(`audit:subject.${kind}`) ? t(`subject.${kind}`) : kind
  const number = (
    <code className="dim" title={entry.subject}>
      {whole ? entry.subject : id.slice(-8)}
    </code>
  )
  if (typeof order !== 'string' || !order) {
    return (
      <span className="wrap">
        {words} {number}
      </span>
    )
  }
  return (
    <Anchor component={Link} to={`/orders/${encodeURIComponent(order)}`} inherit className="wrap">
      {t('subject.order')} {kind === 'order' ? number : <code className="dim">{order.slice(-8)}</code>}
    </Anchor>
  )
}
