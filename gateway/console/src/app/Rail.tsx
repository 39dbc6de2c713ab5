// SPDX-License-Identifier: Apache-2.0
// The left panel: where one can go, and what the guide keeps in sight: balance, servers, alerts.
import { CloseButton, Group, NavLink, ScrollArea, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link, NavLink as RouterLink, useLocation } from 'react-router'
import { PAGES } from './pages'
import { AlertsPanel } from './panels/AlertsPanel'
import { BalancePanel } from './panels/BalancePanel'
import { ServersPanel } from './panels/ServersPanel'
import { useSession } from './session'
import { useConsole } from './useConsole'

const GROUPS = ['ssl', 'account', 'operator'] as const

export function Rail({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('app')
  const session = useSession()
  const { pathname } = useLocation()
  const { brand } = useConsole()
  return (
    <>
      <Group className="rail-brand" justify="space-between" wrap="nowrap">
        <Link to="/" className="brand">
          <img src="/console/seal.svg" alt="" width={28} height={28} />
          <span>{brand}</span>
        </Link>
        <CloseButton hiddenFrom="md" onClick={onClose} aria-label={t('closeMenu')} variant="transparent" c="white" />
      </Group>
      <ScrollArea className="rail-scroll" type="hover" viewportProps={{ tabIndex: -1 }}>
        {GROUPS.map((group) => {
          const pages = PAGES.filter((page) => page.group === group && page.rail && page.shown(session))
          if (pages.length === 0) return null
          return (
            <Stack key={group} gap={0} mb="sm" component="section" aria-label={t(`group.${group}`)}>
              <Text className="rail-group">{t(`group.${group}`)}</Text>
              {pages.map(({ path, key, icon: Icon }) => {
                const active = pathname === `/${path}` || pathname.startsWith(`/${path}/`)
                return (
                  <NavLink
                    key={key}
                    component={RouterLink}
                    to={`/${path}`}
                    label={t(`page.${key}`)}
                    leftSection={<Icon size={17} stroke={1.7} aria-hidden />}
                    active={active}
                    aria-current={active ? 'page' : undefined}
                    className="rail-link"
                  />
                )
              })}
            </Stack>
          )
        })}
        {session.customer && session.can('view') && (
          <>
            <BalancePanel />
            <ServersPanel />
            <AlertsPanel />
          </>
        )}
      </ScrollArea>
    </>
  )
}
