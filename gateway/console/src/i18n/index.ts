// SPDX-License-Identifier: Apache-2.0
// Each feature keeps its words beside its code (en.json, de.json); its folder's name is the namespace. One chunk a language.
import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof LANGUAGES
const KEPT = 'certwright.language'

type Words = Record<string, Record<string, unknown>>
const load: Record<Language, () => Promise<{ words: Words }>> = {
  en: () => import('./en'),
  de: () => import('./de'),
}

export function currentLanguage(): Language {
  return document.documentElement.lang === 'de' ? 'de' : 'en'
}

async function add(language: Language): Promise<void> {
  if (i18next.hasResourceBundle(language, 'app')) return
  const { words } = await load[language]()
  for (const [namespace, texts] of Object.entries(words)) i18next.addResourceBundle(language, namespace, texts)
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
  await add(language)
}

export async function chooseLanguage(language: Language): Promise<void> {
  await add(language)
  document.documentElement.lang = language
  try {
    localStorage.setItem(KEPT, language)
  } catch {
    // Then the choice lasts as long as the page.
  }
  await i18next.changeLanguage(language)
}
