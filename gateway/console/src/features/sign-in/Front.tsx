// SPDX-License-Identifier: Apache-2.0
// The frame of the pages before the sign-in: the rail's colour as a band, one sheet of paper.
import { Group, NativeSelect } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useConsole, useTitle } from '@/app/useConsole'
import { chooseLanguage, LANGUAGES, type Language } from '@/i18n'

export function Front({ title, wide = false, children }: { title: string; wide?: boolean; children: ReactNode }) {
  const { i18n, t } = useTranslation('app')
  const { brand } = useConsole()
  useTitle(title)
  return (
    <div className="front">
      <header className="front-band">
        <Group justify="space-between" wrap="nowrap" className={wide ? 'front-in wide' : 'front-in'}>
          <span className="brand">
            <img src="/console/seal.svg" alt="" width={34} height={34} />
            <span>{brand}</span>
          </span>
          <NativeSelect
            size="xs"
            aria-label={t('user.language')}
            value={i18n.language}
            onChange={(event) => void chooseLanguage(event.currentTarget.value as Language)}
            data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
          />
        </Group>
      </header>
      <main className={wide ? 'front-in wide' : 'front-in'}>
        <div className="sheet">{children}</div>
      </main>
    </div>
  )
}
