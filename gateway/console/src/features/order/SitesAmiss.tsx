// SPDX-License-Identifier: Apache-2.0
import { Anchor, Stack, Title } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import type { Order } from '@/api/client'
import { findingName } from '@/sentences/say'

/** What is amiss with the sites that the newest certificate was installed on; the sites pane says more. */
export function SitesAmiss({ order }: { order: Order }) {
  const { t } = useTranslation(['order', 'sentences'])
  const found = order.installations.filter((one) => one.csr_version === order.certificate?.csr_version)
  const kinds = [...new Set(found.flatMap((one) => one.findings))]
  if (kinds.length === 0) return null
  return (
    <section className="sheet" aria-label={t('findings')}>
      <Stack gap="xs">
        <Title order={2}>{t('findings')}</Title>
        <ul className="site-findings">
          {kinds.map((kind) => (
            <li key={kind}>
              <span className="site-finding-head">
                <IconAlertTriangle size={16} aria-hidden />
                {findingName(kind)}
              </span>
            </li>
          ))}
        </ul>
        <Anchor component={Link} to="/sites?amiss=true" size="sm">
          {t('toSites')}
        </Anchor>
      </Stack>
    </section>
  )
}
