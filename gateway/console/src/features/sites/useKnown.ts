// SPDX-License-Identifier: Apache-2.0
import { useMemo } from 'react'
import { type Schemas, useApi } from '@/api/client'

type Known = Schemas['InventoryCertificate']
// An address line holds about this many fingerprints.
const AT_ONCE = 80

/** What the inventory knows of these certificates, by SHA-256: whose they are, and by which order. */
export function useKnown(fingerprints: readonly string[]): ReadonlyMap<string, Known> {
  const asked = [...new Set(fingerprints)].sort()
  const first = usePart(asked.slice(0, AT_ONCE))
  const rest = usePart(asked.slice(AT_ONCE, 2 * AT_ONCE))
  return useMemo(
    () => new Map([...(first ?? []), ...(rest ?? [])].map((one) => [one.fingerprint_sha256, one])),
    [first, rest],
  )
}

function usePart(fingerprint: string[]): readonly Known[] | undefined {
  return useApi(
    '/api/v1/certificates',
    { query: { fingerprint, limit: 200 } },
    { enabled: fingerprint.length > 0, keepPrevious: true },
  ).data?.items
}
