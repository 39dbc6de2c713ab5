// SPDX-License-Identifier: Apache-2.0
// The one wizard: numbered steps, Back keeps everything, Next checks its own step, Cancel leaves.
import { Button, Group, Stack, Stepper, Text, Title } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { type ReactNode, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'

export interface WizardStep {
  key: string
  title: string
  content: ReactNode
  /** Whether one may go on; it shows what is missing by itself. May ask the server. */
  check?: () => boolean | Promise<boolean>
}

interface WizardProps {
  label: string
  steps: readonly WizardStep[]
  at: number
  onStep: (at: number) => void
  onCancel?: () => void
  /** The last step's button. */
  finish: string
  onFinish: () => void
  busy?: boolean
  aside?: ReactNode
}

export function Wizard({ label, steps, at, onStep, onCancel, finish, onFinish, busy = false, aside }: WizardProps) {
  const { t } = useTranslation('ui')
  const narrow = useMediaQuery('(max-width: 62em)', false, { getInitialValueInEffect: false })
  const heading = useRef<HTMLHeadingElement>(null)
  const first = useRef(true)
  const step = steps[at]
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the change of step that is announced
  useEffect(() => {
    // A new step is announced; at first the page's own heading is.
    if (!first.current) heading.current?.focus()
    first.current = false
  }, [at])
  if (!step) return null
  const last = at === steps.length - 1
  const next = async () => {
    if (step.check && !(await step.check())) return
    if (last) onFinish()
    else onStep(at + 1)
  }
  return (
    <form
      aria-label={label}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void next()
      }}
    >
      <Stack gap="lg">
        {narrow ? (
          <Text size="sm" c="dimmed">
            {t('step', { at: at + 1, of: steps.length, title: step.title })}
          </Text>
        ) : (
          <Stepper active={at} size="xs" onStepClick={(to) => to < at && onStep(to)}>
            {steps.map((one, index) => (
              <Stepper.Step key={one.key} label={one.title} allowStepSelect={index < at} />
            ))}
          </Stepper>
        )}
        <div className={aside ? 'wizard-with-aside' : undefined}>
          <Stack gap="md">
            <Title order={2} ref={heading} tabIndex={-1} className="step-heading">
              {step.title}
            </Title>
            {step.content}
            <Group justify="space-between" mt="md">
              {onCancel ? (
                <Button variant="subtle" color="gray" onClick={onCancel}>
                  {t('cancel')}
                </Button>
              ) : (
                <span />
              )}
              <Group gap="xs">
                {at > 0 && (
                  <Button variant="default" onClick={() => onStep(at - 1)} disabled={busy}>
                    {t('back')}
                  </Button>
                )}
                <Button type="submit" loading={busy}>
                  {last ? finish : t('next')}
                </Button>
              </Group>
            </Group>
          </Stack>
          {aside}
        </div>
      </Stack>
    </form>
  )
}
