// SPDX-License-Identifier: Apache-2.0
import type { Schemas } from '@/api/client'

type Site = Schemas['ListedSite']
type Binding = Schemas['Binding']
type Served = Schemas['ServedCertificate']

/** `10.100.77.21:80:host`, `*:443:` as the guide writes bindings. */
export function bindingText({ address, port, names }: Binding): string {
  return `${address || '*'}:${port}:${names[0] ?? ''}`
}

/** Each certificate that the site serves, once. */
export function certificatesOf(site: Site): Served[] {
  const found = new Map<string, Served>()
  for (const { certificate } of site.bindings)
    if (certificate) found.set(certificate.fingerprint_sha256.toLowerCase(), certificate)
  return [...found.values()]
}

/** The first of its names that a certificate can be bought for; empty where there is none, as for `_` and `localhost`. */
export function nameToBuy(site: Site): string {
  const fqdn = /^(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i
  return [...site.names, site.name].find((name) => fqdn.test(name)) ?? ''
}
