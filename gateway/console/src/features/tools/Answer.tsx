// SPDX-License-Identifier: Apache-2.0
import { IconAlertTriangle, IconCheck, IconMinus, IconX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'

interface AnswerProps {
  /** null: not checked. */
  value: boolean | null
  /** Whether yes is good, bad or neither. */
  yes: 'good' | 'bad' | 'plain'
  reason?: string
}

/** Yes, no or not checked: an icon, a word and why nobody looked. */
export function Answer({ value, yes, reason = '' }: AnswerProps) {
  const { t } = useTranslation(['tools', 'ui'])
  const look = value === null ? 'none' : yes === 'plain' ? 'plain' : (yes === 'good') === value ? 'good' : 'bad'
  const Icon = value === null ? IconMinus : look === 'bad' ? IconAlertTriangle : value ? IconCheck : IconX
  return (
    <span className="answer" data-look={look}>
      <Icon size={15} aria-hidden />
      <span>
        {value === null ? t('notChecked') : t(value ? 'ui:yes' : 'ui:no')}
        {value === null && reason && <span className="kind-note">{reason}</span>}
      </span>
    </span>
  )
}
