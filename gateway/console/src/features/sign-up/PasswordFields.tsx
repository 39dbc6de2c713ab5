// SPDX-License-Identifier: Apache-2.0
import { List, Stack, Text } from '@mantine/core'
import { IconCheck, IconPoint } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { PasswordField } from '@/ui/PasswordField'
import { passwordRules } from './passwordRules'

interface PasswordFieldsProps {
  /** "Password" unless another one is on the page. */
  label?: string
  password: string
  passwordProps: object
  confirmProps: object
}

/** A new password twice, with the rules ticking while one types. */
export function PasswordFields({ label, password, passwordProps, confirmProps }: PasswordFieldsProps) {
  const { t } = useTranslation('sign-up')
  const rules = passwordRules(password)
  return (
    <Stack gap="sm">
      <PasswordField label={label ?? t('password')} autoComplete="new-password" {...passwordProps} />
      <PasswordField label={t('confirmPassword')} autoComplete="new-password" {...confirmProps} />
      <Text size="sm">{t('rule.intro')}</Text>
      <List spacing={2} size="sm" center listStyleType="none" aria-live="polite" aria-label={t('rule.intro')}>
        {(['length', 'noLeadingSpace', 'classes'] as const).map((rule) => (
          <Rule key={rule} met={rules[rule]} text={t(`rule.${rule}`)} />
        ))}
      </List>
      <List spacing={2} size="sm" center listStyleType="none" pl="xl" aria-label={t('rule.classes')}>
        {(['upper', 'lower', 'digit', 'punctuation', 'other'] as const).map((rule) => (
          <Rule key={rule} met={rules[rule]} text={t(`rule.${rule}`)} />
        ))}
      </List>
      <Text size="sm" c="dimmed">
        {t('rule.advice')}
      </Text>
    </Stack>
  )
}

function Rule({ met, text }: { met: boolean; text: string }) {
  const { t } = useTranslation('sign-up')
  return (
    <List.Item
      icon={
        met ? <IconCheck size={15} aria-label={t('rule.met')} /> : <IconPoint size={15} aria-label={t('rule.notMet')} />
      }
    >
      {text}
    </List.Item>
  )
}
