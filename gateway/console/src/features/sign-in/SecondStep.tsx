// SPDX-License-Identifier: Apache-2.0
import { Anchor, Stack, Text, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'

export type SecondWay = 'order_number' | 'code' | 'passkey'
const OFFER: Record<SecondWay, string> = { order_number: 'useNumber', code: 'useCode', passkey: 'usePasskey' }

interface SecondStepProps {
  way: SecondWay
  /** What else may be chosen; `passkey` where there are any. */
  ways: readonly SecondWay[]
  inputs: (name: string) => object
  onSwitch: (way: SecondWay) => void
}

/** One of three proofs. All are offered to everybody: which of them a user has is told to nobody before the password. */
export function SecondStep({ way, ways, inputs, onSwitch }: SecondStepProps) {
  const { t } = useTranslation('sign-in')
  return (
    <>
      {way === 'code' && (
        <TextInput
          key="code"
          label={t('codeLabel')}
          description={t('codeHint')}
          autoComplete="one-time-code"
          autoFocus
          {...inputs('code')}
        />
      )}
      {way === 'order_number' && (
        <TextInput
          key="number"
          label={t('numberLabel')}
          description={t('numberHint')}
          inputMode="numeric"
          autoComplete="off"
          autoFocus
          {...inputs('order_number')}
        />
      )}
      {way === 'passkey' && <Text>{t('passkeyText')}</Text>}
      <Stack gap={4} align="flex-start">
        {ways
          .filter((other) => other !== way)
          .map((other) => (
            <Anchor key={other} component="button" type="button" size="sm" onClick={() => onSwitch(other)}>
              {t(OFFER[other])}
            </Anchor>
          ))}
      </Stack>
    </>
  )
}
