// SPDX-License-Identifier: Apache-2.0
// What may be done with a thing: a select of what the API allows, and Apply (guide §2). The console decides nothing.
import { Button, Group, NativeSelect, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

interface ActionMenuProps {
  /** `allowed_actions` of the API, in its order. */
  allowed: readonly string[]
  /** What the actions are for, such as "order 2000001". */
  subject: string
  onApply: (action: string) => void
  /** How an action is called where ui:action has no word for it. */
  word?: (action: string) => string
  busy?: boolean
}

export function ActionMenu({ allowed, subject, onApply, word, busy = false }: ActionMenuProps) {
  const { t } = useTranslation('ui')
  const called = word ?? ((one: string) => t(`action.${one}`))
  const [chosen, setChosen] = useState('')
  if (allowed.length === 0)
    return (
      <Text span c="dimmed" className="no-action">
        –
      </Text>
    )
  const action = allowed.includes(chosen) ? chosen : (allowed[0] ?? '')
  return (
    <Group gap={6} wrap="nowrap" className="action-menu">
      <NativeSelect
        size="xs"
        aria-label={t('actionsFor', { subject })}
        value={action}
        onChange={(event) => setChosen(event.currentTarget.value)}
        data={allowed.map((one) => ({ value: one, label: called(one) }))}
      />
      <Button
        size="xs"
        variant="default"
        loading={busy}
        aria-label={t('applyTo', { action: called(action), subject })}
        onClick={() => onApply(action)}
      >
        {t('apply')}
      </Button>
    </Group>
  )
}
