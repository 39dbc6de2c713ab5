// SPDX-License-Identifier: Apache-2.0
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { findingName, siteFinding } from '@/sentences/say'
import { Status } from '@/ui/Status'
import { Moment } from '@/ui/Texts'

/** What is amiss with a site, the worst first: how bad, since when, what it is and what to do. */
export function SiteFindings({ site }: { site: Schemas['ListedSite'] }) {
  const { t } = useTranslation(['sites', 'ui', 'sentences'])
  if (site.findings.length === 0 && site.key_servers === 0) return null
  return (
    <ul className="site-findings">
      {site.findings.map((one) => {
        const { said, cure } = siteFinding(one)
        return (
          <li key={one.kind}>
            <details open={site.findings.length === 1}>
              <summary>
                <Status state={one.severity} /> <strong>{findingName(one.kind)}</strong>
              </summary>
              <Text size="sm" className="wrap" mt={4}>
                {said}
              </Text>
              <Text size="sm" className="wrap" c="dimmed" mt={4}>
                {cure}
              </Text>
              <Text size="xs" c="dimmed" mt={4}>
                {t('since')} <Moment at={one.since} precision="stamp" />
              </Text>
            </details>
          </li>
        )
      })}
      {site.key_servers > 0 && <li className="dim">{t('keys', { count: site.key_servers })}</li>}
    </ul>
  )
}
