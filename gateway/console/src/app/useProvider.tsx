// SPDX-License-Identifier: Apache-2.0
// The OpenID Connect provider of this installation, and what it ended with: the gateway says that in the address.
import { Alert, Code, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useApi } from '@/api/client'

/** What people call the provider; empty when there is none, or while that is not known. */
export function useProvider(): string {
  return useApi('/api/v1/sign-in-ways', {}, { staleTime: Number.POSITIVE_INFINITY }).data?.oidc_name ?? ''
}

const WORDS = [
  'stale',
  'cancelled',
  'refused',
  'unavailable',
  'invalid',
  'unknown',
  'taken',
  'connected_before',
  'other_user',
  'password_expired',
  'busy',
  'off',
] as const

/** How a visit at the provider ended. What is no word of ours says no more than that it failed. */
export function ProviderSays({ word, name, connecting = false }: { word: string; name: string; connecting?: boolean }) {
  const { t } = useTranslation('ui')
  const provider = { name: name || t('oidc.provider') }
  if (word === 'connected') {
    return (
      <Alert role="status" variant="light" color="pine" icon={<IconCircleCheck size={18} aria-hidden />}>
        {t('oidc.connected', provider)}
      </Alert>
    )
  }
  const known = WORDS.find((each) => each === word) ?? 'refused'
  return (
    <Alert
      role="alert"
      variant="light"
      color="vermilion"
      icon={<IconAlertTriangle size={18} aria-hidden />}
      title={t(connecting ? 'oidc.notConnected' : 'problem.unauthenticated')}
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{t(`oidc.failed.${known}`, provider)}</Text>
        <Code>{`oidc_${known}`}</Code>
      </Stack>
    </Alert>
  )
}
