// SPDX-License-Identifier: Apache-2.0
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useMatches } from 'react-router'
import { PAGES } from './pages'
import { useTitle } from './useConsole'

/** "SSL Management / Orders": the group and the page (check list 3.05). */
export function Breadcrumb() {
  const { t } = useTranslation('app')
  const key = useMatches().at(-1)?.handle
  const page = PAGES.find((one) => one.key === key)
  const title = page ? t(`page.${page.key}`) : ''
  useTitle(title)
  if (!page) return null
  return (
    <nav aria-label={t('breadcrumb')} className="breadcrumb">
      <Text span c="dimmed" visibleFrom="sm">
        {t(`group.${page.group}`)}
        <span aria-hidden> / </span>
      </Text>
      <Text span fw={600} aria-current="page">
        {title}
      </Text>
    </nav>
  )
}
