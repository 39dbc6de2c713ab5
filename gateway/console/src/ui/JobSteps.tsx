// SPDX-License-Identifier: Apache-2.0
// The steps of an agent's job as they happen, and its reason when it failed.
import { Alert, Group, Progress, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { currentLanguage } from '@/i18n'
import { verbatim, why } from '@/sentences/say'
import { Status } from './Status'
import { Moment } from './Texts'

export function JobSteps({ job }: { job: Schemas['JobView'] }) {
  const { t } = useTranslation(['ui', 'sentences'])
  const own = verbatim(job.code, job.reason)
  const running = job.status === 'waiting' || job.status === 'claimed'
  return (
    <Stack gap="xs" aria-live="polite" aria-label={t('jobSteps')} role="group">
      {running && <Progress value={100} animated striped size="xs" aria-label={t('running')} />}
      {job.status === 'waiting' && (
        <Text size="sm" c="dimmed">
          {t('jobWaiting')}
        </Text>
      )}
      <ol className="steps">
        {job.steps.map((step) => (
          <li key={`${step.name}-${step.at}`}>
            <Group gap="xs" wrap="nowrap" align="baseline">
              <Status state={step.status} />
              <Text size="sm" className="wrap">
                {t(`jobStep.${step.name}`, { defaultValue: step.name })}
                {detailOf(step) && <Text span c="dimmed">{` — ${detailOf(step)}`}</Text>}
              </Text>
              <Text size="xs" c="dimmed" ml="auto">
                <Moment at={step.at} precision="second" />
              </Text>
            </Group>
          </li>
        ))}
      </ol>
      {job.status === 'failed' && (
        <Alert role="alert" color="vermilion" variant="light" title={t('jobFailed')}>
          {why(job.code, job.reason)}
          {own && (
            <Text size="xs" mt={4} className="wrap" lang="en">
              {own}
            </Text>
          )}
        </Alert>
      )}
    </Stack>
  )
}

// Their details are paths; those of other steps say the step's name in English once more.
const PATHS = ['swap', 'write']

function detailOf(step: Schemas['StepView']): string {
  const told = currentLanguage() === 'en' || PATHS.includes(step.name) || step.status === 'failed'
  return told ? step.detail : ''
}
