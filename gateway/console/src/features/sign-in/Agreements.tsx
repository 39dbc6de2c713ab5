// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Schemas, send } from '@/api/client'
import { signOut } from '@/app/session'
import { ProblemAlert } from '@/ui/Says'

type Agreement = Schemas['AgreementText']

/** A text of a contract: scrolls, and can be reached by keyboard. */
export function AgreementText({ agreement }: { agreement: Agreement }) {
  const { t } = useTranslation('sign-in')
  const name = t(`agreement.${agreement.kind}`)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="agreement" tabIndex={0} aria-label={name}>
      {agreement.text}
    </section>
  )
}

/** Agreements that must be accepted before anything else, one after the other; Reject signs out. */
export function Agreements({ due, onAccepted }: { due: Agreement[]; onAccepted: () => Promise<void> }) {
  const { t } = useTranslation('sign-in')
  const [at, setAt] = useState(0)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Error | null>(null)
  const agreement = due[at]
  if (!agreement) return null
  const accept = async () => {
    setBusy(true)
    try {
      await send('post', '/api/v1/agreements/{kind}/accept', {
        path: { kind: agreement.kind },
        body: { version: agreement.version },
      })
      if (at + 1 < due.length) setAt(at + 1)
      else await onAccepted()
    } catch (error) {
      setProblem(error as Error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Stack>
      <Title order={1}>{t(`agreement.${agreement.kind}`)}</Title>
      <Text c="dimmed" size="sm">
        {t('agreementVersion', { version: agreement.version })}
      </Text>
      {problem && <ProblemAlert problem={problem} />}
      <AgreementText agreement={agreement} />
      <Group justify="flex-end">
        <Button variant="default" onClick={() => void signOut()}>
          {t('reject')}
        </Button>
        <Button loading={busy} onClick={() => void accept()}>
          {t('accept')}
        </Button>
      </Group>
    </Stack>
  )
}
