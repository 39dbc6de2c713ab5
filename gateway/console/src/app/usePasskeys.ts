// SPDX-License-Identifier: Apache-2.0
import type { TFunction } from 'i18next'
import { useApi } from '@/api/client'
import { browserHasPasskeys, PasskeyRefused } from '@/api/passkeys'
import { Problem } from '@/api/problem'

/** Why there are no passkeys here: `ip_address`, `insecure` or `browser`; empty when there are; null until known. */
export function usePasskeysMissing(): string | null {
  const { data } = useApi('/api/v1/sign-in-ways', {}, { staleTime: Number.POSITIVE_INFINITY })
  if (!data) return null
  return data.passkeys_missing || (browserHasPasskeys() ? '' : 'browser')
}

/** What a form can show of an authenticator that gave no answer. Other errors stay what they are. */
export function passkeyProblem(error: unknown, t: TFunction): unknown {
  if (!(error instanceof PasskeyRefused)) return error
  return new Problem({ code: `passkey_${error.reason}`, detail: t(`ui:passkeyRefused.${error.reason}`) })
}
