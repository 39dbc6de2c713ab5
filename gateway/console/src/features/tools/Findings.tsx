// SPDX-License-Identifier: Apache-2.0
// What is to be known of an endpoint, the gravest first, each with the line of configuration that mends it.
import { Badge, Code, Group, Paper, Stack, Tabs, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Finding, Verdict } from './verdict'

const COLOURS = { critical: 'red', high: 'red', medium: 'yellow', low: 'gray', info: 'gray', good: 'green' } as const

export function Findings({ verdict }: { verdict: Verdict }) {
  const { t } = useTranslation('tools')
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="findings">
      <Stack gap="sm">
        <Title order={2} size="h3" id="findings">
          {t('findings')}
        </Title>
        {verdict.findings.length === 0 && <Text>{t('noFindings')}</Text>}
        {verdict.findings.map((finding) => (
          <One key={`${finding.code} ${finding.text}`} finding={finding} />
        ))}
      </Stack>
    </Paper>
  )
}

function One({ finding }: { finding: Finding }) {
  const { t } = useTranslation('tools')
  const servers = Object.entries(finding.cures)
  return (
    <Group align="flex-start" gap="sm" wrap="nowrap">
      <Badge variant="outline" color={COLOURS[finding.severity]} w={84} c="inherit" style={{ flex: 'none' }}>
        {t(`severity.${finding.severity}`)}
      </Badge>
      <div style={{ flex: 1, minWidth: 0 }}>
        <Text size="sm" className="wrap">
          {t(`finding.${finding.code}`, { defaultValue: finding.text, ...finding.values })}
        </Text>
        {servers.length > 0 && (
          <details>
            <summary>{t('cure')}</summary>
            <Tabs defaultValue={servers[0]?.[0] ?? null} mt={4}>
              <Tabs.List>
                {servers.map(([server]) => (
                  <Tabs.Tab key={server} value={server}>
                    {server}
                  </Tabs.Tab>
                ))}
              </Tabs.List>
              {servers.map(([server, line]) => (
                <Tabs.Panel key={server} value={server} pt={6}>
                  <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
                    {line}
                  </Code>
                </Tabs.Panel>
              ))}
            </Tabs>
          </details>
        )}
      </div>
    </Group>
  )
}
