// SPDX-License-Identifier: Apache-2.0
// "Check before you pay": names as a certificate authority will see them. Looks only when somebody asks.
import { Badge, Button, Group, Paper, Stack, Text, Title, VisuallyHidden } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconEye } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi } from '@/api/client'
import { ProblemAlert } from '@/ui/Says'
import { Fqdn } from '@/ui/Texts'
import { Perspectives } from './Perspectives'

const MOST = 10
const LOOKS = {
  ready: ['pine', IconCircleCheck],
  warning: ['ochre', IconAlertTriangle],
  blocked: ['vermilion', IconCircleX],
} as const
const COLOURS: Record<string, string> = { error: 'vermilion', warning: 'ochre', info: 'gray', good: 'pine' }

interface PreflightProps {
  names: readonly string[]
  method: string
  /** What the button says; money is spent already where a name of an order is looked at. */
  label?: 'check' | 'checkName'
}

export function Preflight({ names, method, label = 'check' }: PreflightProps) {
  const { t } = useTranslation('preflight')
  const [asked, setAsked] = useState('')
  const looked = names.slice(0, MOST)
  const present = JSON.stringify([looked, method])
  // What was typed since is another question: it is asked when the button is pressed.
  const wanted = asked === present
  const found = useApi('/api/v1/preflight', { query: { names: looked, method } }, { enabled: wanted, staleTime: 0 })
  const look = () => (wanted ? found.refetch() : setAsked(present))
  const shown = wanted && !found.isFetching ? found.data : undefined
  return (
    <Paper withBorder p="sm" component="section" aria-label={t('title')}>
      <Stack gap="sm">
        <Group gap="sm" justify="space-between" align="center">
          <Text size="sm" c="dimmed" style={{ flex: '1 1 16rem' }}>
            {t('hint')}
          </Text>
          <Button
            variant="default"
            leftSection={<IconEye size={16} aria-hidden />}
            loading={wanted && found.isFetching}
            disabled={looked.length === 0}
            onClick={look}
          >
            {t(shown ? 'again' : label)}
          </Button>
        </Group>
        {looked.length === 0 && <Text size="sm">{t('noNames')}</Text>}
        {names.length > MOST && <Text size="sm">{t('first', { count: MOST })}</Text>}
        <div role="status" aria-live="polite">
          {wanted && found.isFetching && <Text size="sm">{t('checking')}</Text>}
          {shown && <VisuallyHidden>{t(`verdict.${shown.verdict}`)}</VisuallyHidden>}
        </div>
        {wanted && !found.isFetching && found.error && <ProblemAlert problem={found.error} again={look} />}
        {shown?.names.map((name) => (
          <Name key={name.fqdn} name={name} />
        ))}
        {shown && (
          <Text size="xs" c="dimmed">
            {t('note', { rules: shown.rules_version })}
          </Text>
        )}
      </Stack>
    </Paper>
  )
}

function Name({ name }: { name: Schemas['NamePreflight'] }) {
  const { t } = useTranslation(['preflight', 'sentences'])
  const said = (facts: Record<string, string>) =>
    facts.method
      ? { ...facts, method: t(`sentences:word.method.${facts.method}`, { defaultValue: facts.method }) }
      : facts
  const [colour, Icon] = LOOKS[name.verdict as keyof typeof LOOKS]
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Title order={3} size="h4">
          <Fqdn name={name.fqdn} />
        </Title>
        <Badge
          className="status"
          variant="light"
          color={colour}
          radius="sm"
          tt="none"
          leftSection={<Icon size={13} aria-hidden />}
        >
          {t(`verdict.${name.verdict}`)}
        </Badge>
      </Group>
      <ul className="preflight">
        {name.findings.map((finding) => (
          <li key={`${finding.code} ${finding.text}`}>
            <Badge variant="outline" color={COLOURS[finding.severity]} w={84} c="inherit">
              {t(`severity.${finding.severity}`)}
            </Badge>
            <div>
              <Text size="sm" className="wrap">
                {t(`finding.${finding.code}`, { defaultValue: finding.text, ...said(finding.facts) })}
              </Text>
              {finding.code.startsWith('caa_') && name.caa && (
                <Text size="xs" className="wrap" lang="en">
                  {name.caa.reason}
                </Text>
              )}
              {finding.cure && (
                <Text size="sm" c="dimmed" className="wrap">
                  {t(`cure.${finding.code}`, { defaultValue: finding.cure, ...said(finding.facts) })}
                </Text>
              )}
            </div>
          </li>
        ))}
      </ul>
      <Perspectives name={name} />
    </Stack>
  )
}
