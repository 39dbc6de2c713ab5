// SPDX-License-Identifier: Apache-2.0
import { Anchor } from '@mantine/core'
import { IconAlertTriangle, IconShieldCheck, IconUserQuestion } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { kindOf } from '@/features/certificates/kind'
import { Until } from '@/features/certificates/Until'

interface SiteCertificateProps {
  served: Schemas['ServedCertificate']
  /** What the inventory says of it; undefined until it is known. */
  known: Schemas['InventoryCertificate'] | undefined
  onView: () => void
}

const ICONS = { own: IconShieldCheck, self_signed: IconUserQuestion, other: IconAlertTriangle }

/** The subject of what a site serves: red, with icon and words, when another CA has issued it (guide §2). */
export function SiteCertificate({ served, known, onView }: SiteCertificateProps) {
  const { t } = useTranslation(['sites', 'certificates'])
  const subject = <bdi>{served.subject || served.names[0] || served.serial}</bdi>
  if (!known) return <span className="wrap">{subject}</span>
  const kind = kindOf(known)
  const Icon = ICONS[kind]
  return (
    <div className="site-certificate" data-kind={kind}>
      <Anchor component="button" type="button" size="sm" ta="left" className="wrap" onClick={onView}>
        {subject}
      </Anchor>
      <span className="site-certificate-note">
        <Icon size={13} aria-hidden />
        {t(`issued.${kind}`)}
        <Until at={known.not_after} daysLeft={known.days_left} />
      </span>
    </div>
  )
}
