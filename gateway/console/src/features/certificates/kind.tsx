// SPDX-License-Identifier: Apache-2.0
// Whose certificate it is: of our own issuer, self-signed, or of somebody else's. Never by colour alone.
import { IconAlertTriangle, IconShieldCheck, IconUserQuestion, type TablerIcon } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { useConsole } from '@/app/useConsole'

export const KINDS = ['own', 'self_signed', 'other'] as const
export type Kind = (typeof KINDS)[number]

const ICONS: Record<Kind, TablerIcon> = {
  own: IconShieldCheck,
  self_signed: IconUserQuestion,
  other: IconAlertTriangle,
}

/** The parameters of the API by which a list shows one kind only. */
export const ONLY: Record<Kind, { own: string; self_signed: string | null }> = {
  own: { own: 'true', self_signed: null },
  self_signed: { own: 'false', self_signed: 'true' },
  other: { own: 'false', self_signed: 'false' },
}

export function kindOf(certificate: { own: boolean; self_signed: boolean }): Kind {
  return certificate.own ? 'own' : certificate.self_signed ? 'self_signed' : 'other'
}

export function kindOfFilters(filters: Record<string, string>): Kind | '' {
  return (
    KINDS.find((kind) => filters.own === ONLY[kind].own && (filters.self_signed ?? null) === ONLY[kind].self_signed) ??
    ''
  )
}

/** Icon and words. Where it was found is told too, since "self-signed" alone does not say how we know of it. */
export function KindText({ row }: { row: Schemas['InventoryCertificate'] }) {
  const { t } = useTranslation('certificates')
  const { ca_brand } = useConsole()
  const kind = kindOf(row)
  const Icon = ICONS[kind]
  const uploaded = row.places.length > 0 && row.places.every((place) => place.source === 'uploaded')
  return (
    <span className="kind" data-kind={kind}>
      <Icon size={15} stroke={1.8} aria-hidden />
      <span>
        {uploaded ? t('kind.uploaded') : t(`kind.${kind}`, { brand: ca_brand })}
        {kind !== 'own' && <span className="kind-note">{t(`kind.${kind}_note`)}</span>}
      </span>
    </span>
  )
}
