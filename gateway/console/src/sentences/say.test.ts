// SPDX-License-Identifier: Apache-2.0
import i18next from 'i18next'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import type { Schemas } from '@/api/client'
import { Problem } from '@/api/problem'
import { chooseLanguage, startLanguage } from '@/i18n'
import { advice, audit, blockedOn, event, reasonOf, verbatim, why } from './say'

beforeAll(async () => {
  await startLanguage()
  await i18next.loadNamespaces('sentences')
})
beforeEach(() => chooseLanguage('de'))

const entry = (type: string, data: object) =>
  ({ type: `orders.${type}`, data, summary: 'as the server said' }) as unknown as Schemas['HistoryEntry']

test('A code has its text; English readers get the more exact sentence of the server', async () => {
  expect(why('key_rsa_too_small', 'The RSA key has 1024 bits.')).toBe(
    'Der RSA-Schlüssel ist zu klein; nötig sind mindestens 2048 Bit.',
  )
  expect(verbatim('reload_failed', 'the reload failed: exit 1')).toBe(
    'Meldung des Agenten im Wortlaut: the reload failed: exit 1',
  )
  await chooseLanguage('en')
  expect(why('key_rsa_too_small', 'The RSA key has 1024 bits.')).toBe('The RSA key has 1024 bits.')
  expect(verbatim('reload_failed', 'the reload failed: exit 1')).toBeNull()
})

test('What has no code, or one of tomorrow, is said as the server said it', () => {
  expect(why('', 'Something else.')).toBe('Something else.')
  expect(why('a_code_of_tomorrow', 'Something else.')).toBe('Something else.')
  expect(why('../ui:yes', 'Something else.')).toBe('Something else.')
  expect(event(entry('OfTomorrow', {}))).toBe('as the server said')
  expect(advice('of_tomorrow', 'Look again.')).toBe('Look again.')
})

test('Sentences hold the values of the event in the form of the language', () => {
  const paid = event(entry('OrderPaid', { amount: 4595, currency: 'USD', source: 'card' }))
  expect(paid.replace(/\s/g, ' ')).toBe('45,95 $ wurden bezahlt: mit Karte.')
  expect(event(entry('CSRSubmitted', { csr_version: 2, server_id: 'x' }))).toBe(
    'Die Anforderung (CSR) Nummer 2 wurde auf dem Server erzeugt und ersetzt die vorige.',
  )
  expect(event(entry('CSRRejected', { reason: 'The key is taken.', code: 'key_taken' }))).toContain(
    'Den Schlüssel dieser Anforderung verwendet schon jemand anderes.',
  )
})

test('Text of strangers is text: nothing in it is read as a word of ours', () => {
  const rejected = event(entry('OrderRejected', { reason: '$t(ui:yes) {{refund}} <b>', refund: 0, currency: 'USD' }))
  expect(rejected).toBe('Die Bestellung wurde abgelehnt: $t(ui:yes) {{refund}} <b>')
})

test('What an order waits for names its subject and why', () => {
  const one = { reason: 'csr_rejected', actor: 'customer', text: 'x', action: '', subject: '', facts: {} }
  expect(blockedOn({ ...one, facts: { code: 'csr_several', detail: 'There is more.' } })).toContain(
    'Das ist mehr als eine Anforderung; senden Sie eine nach der anderen.',
  )
  expect(blockedOn({ ...one, reason: 'of_tomorrow', text: 'Wait.' })).toBe('Wait.')
})

test('The log says whose permissions and which names', () => {
  const log = { type: 'accounts.UserAdded', data: { permissions: ['view', 'create_order'] }, summary: '' }
  expect(audit(log as unknown as Schemas['AuditEntry'])).toBe(
    'Ein Benutzer wurde angelegt, mit den Rechten: Ansehen, Bestellen.',
  )
  const names = ['a.example', 'b.example', 'c.example', 'd.example']
  const placed = { type: 'ca.IssuanceAccepted', data: { names }, summary: '' }
  expect(audit(placed as unknown as Schemas['AuditEntry'])).toBe(
    'Die CA soll ein Zertifikat für a.example, b.example, c.example und 1 weitere unterschreiben.',
  )
})

test('A problem says its reason', () => {
  const problem = new Problem({ code: 'invalid', detail: 'x', extra: { reason: 'name_is_email' } })
  expect(reasonOf(problem)).toBe('Das ist eine E-Mail-Adresse; geben Sie den Namen eines Servers an.')
})
