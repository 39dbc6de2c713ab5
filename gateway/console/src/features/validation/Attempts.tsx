// SPDX-License-Identifier: Apache-2.0
import { Code, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { advice, verbatim } from '@/sentences/say'
import { Status } from '@/ui/Status'
import { Moment } from '@/ui/Texts'
import type { Authorization } from './NameProof'

/** Every look, newest first as the API tells them: when, by which method, what came of it and what to do; the evidence on demand. */
export function Attempts({ authorization }: { authorization: Authorization }) {
  const { t } = useTranslation(['validation', 'sentences'])
  const newest = authorization.attempts
  return (
    <Stack gap="xs" aria-live="polite">
      {authorization.status === 'validating' && <Text role="status">{t('looking')}</Text>}
      {authorization.next_check_at && (
        <Text size="sm" c="dimmed">
          {t('next')} <Moment at={authorization.next_check_at} precision="second" />
        </Text>
      )}
      {authorization.next_placement_at && (
        <Text size="sm" c="dimmed">
          {t('nextPlacement')} <Moment at={authorization.next_placement_at} precision="second" />
        </Text>
      )}
      {newest.length > 0 && <Title order={3}>{t('attempts')}</Title>}
      <ol className="steps">
        {newest.map((attempt) => (
          <li key={attempt.at}>
            <Status state={attempt.passed ? 'done' : 'failed'} /> <Moment at={attempt.at} precision="second" />
            <Text size="sm" className="wrap">
              {[
                attempt.method && t(`method.${attempt.method}`),
                attempt.reason && advice(attempt.reason, attempt.advice),
              ]
                .filter(Boolean)
                .join(' · ')}
            </Text>
            <Verbatim attempt={attempt} />
            <SeenFrom attempt={attempt} />
            <details>
              <summary>{t('evidence')}</summary>
              <Code block className="wrap">
                {JSON.stringify(attempt.evidence, null, 2)}
              </Code>
            </details>
          </li>
        ))}
      </ol>
    </Stack>
  )
}

/** What the agent said, where it was the agent that failed. */
function Verbatim({ attempt }: { attempt: Authorization['attempts'][number] }) {
  const said = verbatim(attempt.reason, attempt.advice)
  if (!said) return null
  return (
    <Text size="xs" className="wrap" lang="en">
      {said}
    </Text>
  )
}

/** Who saw the proof and who did not, where it was looked for from several perspectives. */
function SeenFrom({ attempt }: { attempt: Authorization['attempts'][number] }) {
  const { t } = useTranslation('validation')
  const all = (attempt.evidence as { perspectives?: { name: string; passed: boolean }[] }).perspectives ?? []
  if (all.length < 2) return null
  const names = (passed: boolean) => all.filter((one) => one.passed === passed).map((one) => one.name)
  return (
    <Text size="xs" className="wrap">
      {[
        names(true).length > 0 && t('seenFrom', { names: names(true).join(', ') }),
        names(false).length > 0 && t('notSeenFrom', { names: names(false).join(', ') }),
      ]
        .filter(Boolean)
        .join(' · ')}
    </Text>
  )
}
