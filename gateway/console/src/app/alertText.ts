// SPDX-License-Identifier: Apache-2.0
// What an alert says, in the reader's language, by its kind and its facts. The rail says it too, so the words are `app`'s.
import i18next from 'i18next'
import type { Schemas } from '@/api/client'
import { moment } from '@/ui/format'

type Alert = Schemas['AlertView']
const DAY_MS = 86_400_000

/** How people call what an alert is about: a certificate by its first name, else by its serial number. */
export function alertSubject(alert: Alert): string {
  if (alert.kind === 'low_balance') return i18next.t('app:alertText.deposit')
  if (alert.kind === 'site_drift') return alert.subject
  const [first, ...more] = alert.names
  if (first === undefined) {
    return alert.serial ? i18next.t('app:alertText.serial', { replace: { serial: alert.serial } }) : alert.subject
  }
  if (more.length === 0) return first
  return i18next.t('app:alertText.more', { count: more.length, replace: { first, count: more.length } })
}

export function alertText(alert: Alert, now: number = Date.now()): string {
  if (alert.kind === 'low_balance') {
    return i18next.language === 'en' ? alert.text : i18next.t('app:alertText.lowBalance')
  }
  if (alert.kind === 'proof_missing') {
    return i18next.language === 'en' ? alert.text : i18next.t('app:alertText.proofMissing')
  }
  if (alert.kind === 'installation_failing') {
    return i18next.language === 'en' ? alert.text : i18next.t('app:alertText.installationFailing')
  }
  if (alert.kind === 'site_drift') return i18next.t('app:alertText.siteDrift', { replace: { subject: alert.subject } })
  if (alert.kind !== 'expiry' || !alert.not_after) return alert.text
  const left = new Date(alert.not_after).getTime() - now
  const count = Math.floor(left / DAY_MS)
  const replace = { subject: alertSubject(alert), day: moment(alert.not_after), count }
  if (left <= 0) return i18next.t('app:alertText.expired', { replace })
  if (count === 0) return i18next.t('app:alertText.today', { replace })
  return i18next.t('app:alertText.days', { count, replace })
}
