// SPDX-License-Identifier: Apache-2.0
// Each feature keeps its words beside its code (en.json, de.json); its folder's name is the namespace. Two chunks a
// language: what the first pages say, and all the rest, which whatever is loaded later waits for.
import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof LANGUAGES
const KEPT = 'certwright.language'

type Words = Record<string, Record<string, unknown>>
type Load = () => Promise<{ words: Words }>
const FIRST: Record<Language, Load> = { en: () => import('./en'), de: () => import('./de') }
const MORE: Record<Language, Load> = { en: () => import('./en-more'), de: () => import('./de-more') }
let more = false

export function currentLanguage(): Language {
  return document.documentElement.lang === 'de' ? 'de' : 'en'
}

async function add(language: Language, load: Record<Language, Load>): Promise<void> {
  const { words } = await load[language]()
  for (const [namespace, texts] of Object.entries(words)) {
    if (!i18next.hasResourceBundle(language, namespace)) i18next.addResourceBundle(language, namespace, texts)
  }
}

/** The code of a page or dialog together with its words. */
export async function withWords<T>(code: Promise<T>): Promise<T> {
  more = true
  const [loaded] = await Promise.all([code, add(currentLanguage(), MORE)])
  return loaded
}

export async function startLanguage(): Promise<void> {
  const language = currentLanguage()
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    defaultNS: 'app',
    resources: {},
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
    // A text that is missing is a fault; the browser tests fail on anything in the console's log.
    saveMissing: true,
    missingKeyHandler: (_languages, namespace, key) => console.error(`no text for ${namespace}:${key}`),
  })
  await add(language, FIRST)
}

export async function chooseLanguage(language: Language): Promise<void> {
  await Promise.all([add(language, FIRST), more && add(language, MORE)])
  document.documentElement.lang = language
  try {
    localStorage.setItem(KEPT, language)
  } catch {
    // Then the choice lasts as long as the page.
  }
  await i18next.changeLanguage(language)
}
