// SPDX-License-Identifier: Apache-2.0
// Each feature keeps its words beside its code (en.json, de.json); its folder's name is the namespace. A language has two
// chunks: what the first page needs, and the rest, which comes with the first page that needs any of it.
import i18next, { type BackendModule } from 'i18next'
import { initReactI18next } from 'react-i18next'
import type { Words } from './words'

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof LANGUAGES
const KEPT = 'certwright.language'

/** What comes with the first chunk. */
const FIRST = ['app', 'ui', 'orders', 'sign-in']
const CHUNKS: Record<Language, readonly (() => Promise<{ words: Words }>)[]> = {
  en: [() => import('./en'), () => import('./en-rest')],
  de: [() => import('./de'), () => import('./de-rest')],
}

async function find(language: Language, namespace: string): Promise<Words[string]> {
  for (const load of CHUNKS[language]) {
    const { words } = await load()
    const texts = words[namespace]
    if (!texts) continue
    // What came along is there for all: a part of a page that asks for its words later must not blank the page.
    for (const [along, theirs] of Object.entries(words)) i18next.addResourceBundle(language, along, theirs)
    return texts
  }
  throw new Error(`there are no words of ${namespace}`)
}

const besideTheCode: BackendModule = {
  type: 'backend',
  init: () => undefined,
  read: (language, namespace, done) => {
    find(language as Language, namespace).then(
      (texts) => done(null, texts),
      (error: Error) => done(error, null),
    )
  },
}

export function currentLanguage(): Language {
  return document.documentElement.lang === 'de' ? 'de' : 'en'
}

export async function startLanguage(): Promise<void> {
  await i18next
    .use(besideTheCode)
    .use(initReactI18next)
    .init({
      lng: currentLanguage(),
      fallbackLng: false,
      ns: FIRST,
      defaultNS: 'app',
      interpolation: { escapeValue: false }, // React escapes
      returnNull: false,
      // A text that is missing is a fault; the browser tests fail on anything in the console's log.
      saveMissing: true,
      missingKeyHandler: (_languages, namespace, key) => console.error(`no text for ${namespace}:${key}`),
    })
}

export async function chooseLanguage(language: Language): Promise<void> {
  document.documentElement.lang = language
  try {
    localStorage.setItem(KEPT, language)
  } catch {
    // Then the choice lasts as long as the page.
  }
  await i18next.changeLanguage(language)
}
