// SPDX-License-Identifier: Apache-2.0
// What a survey looks like: plain JSON of the API, whose schema leaves it open.

export interface Offer {
  offered: boolean | null
  reason: string
  suites: string[]
  preference: string
  complete: boolean
}
export interface Fact {
  value: boolean | null
  reason: string
  detail: string
}
export interface Survey {
  depth: string
  started_at: string
  took_s: number
  connections: number
  negotiated_protocol: string
  negotiated_suite: string
  protocols: Record<string, Offer>
  chains: { authentication: string; protocol: string; proved: boolean }[]
  groups: string[]
  groups_checked: boolean
  finite_fields: { bits: number; known: string }[]
  alpn: string[]
  alpn_checked: boolean
  features: Record<string, Fact>
  holes: Record<string, Fact>
  stapled_ocsp: string
  web: {
    status: number
    location: string
    headers: Record<string, string>
    plain_status: number
    plain_location: string
    reason: string
  } | null
}

/** The survey of a check; null before there is one. */
export function surveyOf(check: { survey?: unknown }): Survey | null {
  return (check.survey ?? null) as Survey | null
}

/** SSLv2 first, as the versions came. */
export const VERSIONS = ['SSLv2', 'SSLv3', 'TLSv1.0', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

/** Whether a version is one that nobody should offer any more (RFC 6176, 7568, 8996). */
export function isOld(version: string): boolean {
  return VERSIONS.indexOf(version) < VERSIONS.indexOf('TLSv1.2')
}
