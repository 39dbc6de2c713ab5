// SPDX-License-Identifier: Apache-2.0
// What each perspective saw of a name, and the questions and answers behind it.
import { Code, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'

type Seen = Schemas['PerspectiveSeen']

export function Perspectives({ name }: { name: Schemas['NamePreflight'] }) {
  const { t } = useTranslation('preflight')
  const caa = ({ caa }: Seen) =>
    t(!caa ? 'notAsked' : caa.allowed === null ? 'unknown' : caa.allowed ? 'allowed' : 'forbidden')
  return (
    <details>
      <summary>{t('saw')}</summary>
      <ul className="preflight-places">
        {name.perspectives.map((seen) => (
          <li key={seen.name}>
            <Text span size="sm" fw={600}>
              {[seen.name, seen.region].filter(Boolean).join(', ')}
            </Text>
            <Text size="sm" className="wrap">
              {[
                `${t('addresses')}: ${seen.addresses.join(', ') || t('none')}`,
                `${t('dnssec')}: ${t(`standing.${seen.dnssec}`)}`,
                `${t('caa')}: ${caa(seen)}`,
                ...seen.ports.map(({ port, reachable }) => t(reachable ? 'portOpen' : 'portClosed', { port })),
              ].join(' · ')}
            </Text>
          </li>
        ))}
      </ul>
      <details>
        <summary>{t('answers')}</summary>
        <Code block className="wrap">
          {JSON.stringify(
            name.perspectives.map((seen) => ({ perspective: seen.name, answers: seen.answers })),
            null,
            2,
          )}
        </Code>
      </details>
    </details>
  )
}
