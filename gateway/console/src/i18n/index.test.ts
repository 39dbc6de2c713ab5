// SPDX-License-Identifier: Apache-2.0
import i18next from 'i18next'
import { expect, test } from 'vitest'
import { chooseLanguage, startLanguage } from '.'

test('the words that come along in a chunk are there at once, so that no page blanks for them', async () => {
  await startLanguage()
  expect(i18next.hasLoadedNamespace('orders')).toBe(true)
  expect(i18next.hasLoadedNamespace('sign-up')).toBe(false)
  await i18next.loadNamespaces('company')
  expect(i18next.hasLoadedNamespace('sign-up')).toBe(true)
  await chooseLanguage('de')
  expect(i18next.t('title', { ns: 'company' })).toBe('Firma')
  expect(i18next.hasLoadedNamespace('sign-up')).toBe(true)
})
