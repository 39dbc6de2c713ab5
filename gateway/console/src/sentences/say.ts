// SPDX-License-Identifier: Apache-2.0
// What the services say, in the reader's language: by its code and with its own values, never by reading a sentence. What
// has no text here is said as the server said it. Components that call these load the namespace `sentences`.
import i18next from 'i18next'
import type { Schemas } from '@/api/client'
import { Problem } from '@/api/problem'
import { currentLanguage } from '@/i18n'
import { moment, money } from '@/ui/format'

type Values = Record<string, unknown>

const MONEY = new Set(['amount', 'total', 'refund', 'tax', 'discount'])
const MOMENT = /(_at|not_after|not_before|^until)$/
const CODE = /^\w+$/
const MOST_NAMES = 3

function text(key: string, values: Values = {}): string | null {
  const whole = `sentences:${key}`
  return i18next.exists(whole) ? i18next.t(whole, { replace: values }) : null
}

/** Why something failed. The server's own English sentence is the more exact one, for who reads English. */
export function why(code: string, detail: string): string {
  if (!CODE.test(code) || (currentLanguage() === 'en' && detail)) return detail
  return text(`code.${code}`) ?? detail
}

/** The agent's own words, where `why` says it in another language. */
export function verbatim(code: string, detail: string): string | null {
  return why(code, detail) === detail || !detail ? null : i18next.t('sentences:verbatim', { replace: { detail } })
}

/** What is said about a problem at its field: by its reason where it has one. */
export function reasonOf(problem: Problem | Error): string {
  return problem instanceof Problem ? why(problem.extra.reason ?? '', problem.message) : problem.message
}

/** A value of an event as it stands in a sentence. */
function word(name: string, value: unknown, currency: string): string {
  if (typeof value === 'number' && MONEY.has(name) && currency) return money(value, currency)
  if (typeof value === 'boolean') return i18next.t(value ? 'ui:yes' : 'ui:no')
  if (Array.isArray(value)) {
    const words = value.map((one) => word(name, one, currency))
    if (words.length === 0) return text(`word.${name}.none`) ?? ''
    const names = words.slice(0, MOST_NAMES).join(', ')
    const count = words.length - MOST_NAMES
    return count > 0 ? i18next.t('sentences:andMore', { replace: { names, count } }) : names
  }
  if (value === null || value === undefined || typeof value === 'object') return ''
  const said = String(value)
  if (MOMENT.test(name) && !Number.isNaN(Date.parse(said))) return moment(said, 'day')
  return (CODE.test(said) ? text(`word.${name}.${said}`) : null) ?? said
}

function words(data: Values): Record<string, string> {
  const currency = typeof data.currency === 'string' ? data.currency : ''
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, word(name, value, currency)]))
}

/** What an order waits for. */
export function blockedOn(one: Schemas['BlockedOn']): string {
  const { code = '', detail = '', level = '', until = '', again_at = '', by = '' } = one.facts as Record<string, string>
  const time = level ? (text(`validationTime.${level}`) ?? '') : ''
  const day = until ? moment(until, 'day') : ''
  const again = again_at ? moment(again_at) : ''
  const facts = { subject: one.subject, why: why(code, detail), level, time, until: day, again, tool: tool(by) }
  return text(`blocked.${one.reason}`, facts) ?? one.text
}

/** Which of an event's sentences fits what it says. */
function variant(type: string, data: Values): string {
  if (type === 'OrderPlaced' && data.kind === 'topup') return '_topup'
  if (type === 'CSRSubmitted') return `${data.server_id ? '_made' : ''}${data.csr_version === 1 ? '' : '_again'}`
  if (type === 'InstallationRequested' && data.plan_sha256) return '_approved'
  if (type === 'IssuanceDelayed' && !data.reason) return '_over'
  if (type === 'ReissueRequested' && data.automatic) return '_automatic'
  if (type === 'InstallationWatched' && !data.there) return '_gone'
  if (type === 'InstallationWatched' && Array.isArray(data.findings) && data.findings.length === 0) return '_well'
  return (type === 'OrderCancelled' || type === 'OrderRejected') && data.refund ? '_refund' : ''
}

/** An entry of an order's history. */
export function event(entry: Schemas['HistoryEntry']): string {
  const type = entry.type.replace('orders.', '')
  const data = entry.data as Values
  const reason = why(String(data.code ?? ''), String(data.reason ?? ''))
  const plan = typeof data.plan_sha256 === 'string' ? data.plan_sha256.slice(0, 12) : ''
  return text(`event.${type}${variant(type, data)}`, { ...words(data), why: reason, plan }) ?? entry.summary
}

/** A line of the audit log. */
export function audit(entry: Schemas['AuditEntry']): string {
  const data = entry.data as Values
  const values = words(data)
  if (typeof data.code === 'string' && typeof data.reason === 'string' && entry.type !== 'billing.VoucherMade')
    values.reason = why(data.code, data.reason)
  if (entry.type === 'dcv.ValidationAttempted') values.reason = advice(String(data.reason ?? ''), values.reason ?? '')
  const kind =
    typeof data.kind === 'string' && CODE.test(data.kind) ? text(`audit.${entry.type}_${data.kind}`, values) : null
  return kind ?? text(`audit.${entry.type}`, values) ?? entry.summary
}

/** What to do after a look that proved nothing. */
export function advice(reason: string, sentence: string): string {
  return (CODE.test(reason) ? text(`dcv.${reason}`) : null) ?? why(reason, sentence || reason)
}

/** Why a method cannot be chosen. */
export function optionReason(option: Schemas['MethodOption']): string {
  return (option.code ? text(`option.${option.code}`, { source: option.source }) : null) ?? option.reason
}

/** What to do about a server: about the way to it, or about its agent where that one is silent or old. */
export function serverCure(server: Schemas['ServerView']): string {
  if (server.state === 'connected') return ''
  const itsOwn = server.remote && (server.detail !== '' || /^(keys_missing|host_key_changed)$/.test(server.state))
  if (itsOwn) return text(`cure.server_${server.state}`) ?? server.cure
  return text(server.state === 'outdated' ? 'code.server_outdated' : `cure.${server.state}`) ?? server.cure
}

/** A program that other people renew certificates with. */
function tool(by: string): string {
  return text(`tool.${by.split('.')[0] || 'unknown'}`) ?? by
}

/** What is amiss with a site, in a word or two. */
export function findingName(kind: string): string {
  return text(`word.findings.${kind}`) ?? kind
}

/** What is amiss with a site, and what to do about it. */
export function siteFinding(one: Schemas['ShownFinding']): { said: string; cure: string } {
  const facts = { ...one, tool: tool(one.by), until: one.until ? moment(one.until, 'day') : '' }
  const traced = one.evidence && (one.kind === 'replaced' || one.kind === 'tug_of_war')
  const more = [
    traced ? text('finding.trace', facts) : null,
    one.kind === 'replaced' && one.served ? text('finding.served') : null,
  ]
  const said = text(`finding.${one.kind}`, facts)
  return {
    said: said ? [said, ...more].filter(Boolean).join(' ') : one.text,
    cure: text(`findingCure.${one.kind}`, facts) ?? one.cure,
  }
}

/** What to do about an agent. */
export function cure(agent: Schemas['AgentView']): string {
  return text(`cure.${agent.state}`, { version: agent.version }) ?? agent.cure
}
