// SPDX-License-Identifier: Apache-2.0
// What an advanced check saw of the server: versions with their suites, groups, behaviour, known holes, the web.
import { Code, Paper, Stack, Table, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Facts } from '@/ui/Texts'
import { Answer } from './Answer'
import { isOld, type Survey, VERSIONS } from './survey'

// Whether a feature is good to have; the others are neither.
const LIKED = ['extended_master_secret', 'encrypt_then_mac', 'secure_renegotiation', 'fallback_scsv', 'stapling']
const DISLIKED = [
  'client_renegotiation',
  'compression',
  'version_intolerance',
  'server_side_random_reuse',
  'early_data',
]

export function ServerDetails({ survey }: { survey: Survey }) {
  const { t } = useTranslation('tools')
  const versions = VERSIONS.filter((version) => survey.protocols[version] !== undefined)
  return (
    <>
      <Paper withBorder p="md" component="section" aria-labelledby="protocols">
        <Stack gap="sm">
          <Title order={2} size="h3" id="protocols">
            {t('protocols')}
          </Title>
          <Table.ScrollContainer minWidth={300} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
            <Table verticalSpacing={6} fz="sm" aria-labelledby="protocols">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('version')}</Table.Th>
                  <Table.Th>{t('offered')}</Table.Th>
                  <Table.Th>{t('suites')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {versions.map((version) => {
                  const offer = survey.protocols[version]
                  return (
                    offer && (
                      <Table.Tr key={version}>
                        <Table.Th scope="row">{version.replace('v', ' ')}</Table.Th>
                        <Table.Td>
                          <Answer value={offer.offered} yes={isOld(version) ? 'bad' : 'good'} reason={offer.reason} />
                        </Table.Td>
                        <Table.Td>
                          {offer.suites.length > 0 && (
                            <details>
                              <summary>
                                {t('suitesCount', { count: offer.suites.length })}
                                {offer.preference !== 'unknown' && ` · ${t(`preference.${offer.preference}`)}`}
                                {!offer.complete && ` · ${t('incomplete')}`}
                              </summary>
                              <ol className="suites">
                                {offer.suites.map((name) => (
                                  <li key={name}>
                                    <Code>{name}</Code>
                                  </li>
                                ))}
                              </ol>
                            </details>
                          )}
                        </Table.Td>
                      </Table.Tr>
                    )
                  )
                })}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          <Facts
            facts={[
              [t('groups'), survey.groups_checked ? survey.groups.join(', ') || '–' : t('notChecked')],
              [
                t('postQuantum'),
                <Answer
                  key="pq"
                  value={survey.groups_checked ? survey.groups.some((name) => /MLKEM/i.test(name)) : null}
                  yes="good"
                />,
              ],
              [
                t('finiteFields'),
                [...new Set(survey.finite_fields.map((one) => `${one.bits} ${one.known}`.trim()))].join(', '),
              ],
              ['ALPN', survey.alpn_checked ? survey.alpn.join(', ') || '–' : t('notChecked')],
            ]}
          />
        </Stack>
      </Paper>
      <Paper withBorder p="md" component="section" aria-labelledby="features">
        <Stack gap="sm">
          <Title order={2} size="h3" id="features">
            {t('features')}
          </Title>
          <Facts
            facts={Object.entries(survey.features).map(([name, fact]) => [
              t(`feature.${name}`, { defaultValue: name }),
              <Answer
                key={name}
                value={fact.value}
                yes={LIKED.includes(name) ? 'good' : DISLIKED.includes(name) ? 'bad' : 'plain'}
                reason={fact.reason}
              />,
            ])}
          />
          <Title order={3}>{t('holes')}</Title>
          <Facts
            facts={Object.entries(survey.holes).map(([name, fact]) => [
              t(`hole.${name}`, { defaultValue: name }),
              <Answer key={name} value={fact.value} yes="bad" reason={fact.reason} />,
            ])}
          />
          {survey.web && (
            <>
              <Title order={3}>{t('web.title')}</Title>
              <Facts
                facts={[
                  [
                    t('web.status'),
                    survey.web.status ? String(survey.web.status) : survey.web.reason || t('notChecked'),
                  ],
                  [t('web.location'), survey.web.location],
                  ['HSTS', survey.web.headers['strict-transport-security'] ?? t('web.none')],
                  [
                    t('web.plain'),
                    survey.web.plain_status
                      ? `${survey.web.plain_status} ${survey.web.plain_location}`.trim()
                      : t('web.silent'),
                  ],
                ]}
              />
            </>
          )}
          <Text size="xs" c="dimmed">
            {t('effort', { count: survey.connections, seconds: survey.took_s.toFixed(1) })}
          </Text>
        </Stack>
      </Paper>
    </>
  )
}
