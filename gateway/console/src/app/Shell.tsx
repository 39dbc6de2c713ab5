// SPDX-License-Identifier: Apache-2.0
// The frame of every page behind the sign-in: rail, breadcrumb, connection, palette and keys.
import { ActionIcon, AppShell, Burger, Button, Group, Kbd } from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { lazy, Suspense, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Outlet, useLocation, useNavigate } from 'react-router'
import { useLive } from '@/api/live'
import { Loading } from '@/ui/Says'
import { Breadcrumb } from './Breadcrumb'
import { ConnectionBanner } from './ConnectionBanner'
import { HelpMenu } from './HelpMenu'
import { useGoKeys } from './keys'
import { Rail } from './Rail'
import { useSession } from './session'
import { UserMenu } from './UserMenu'

const Palette = lazy(() => import('./Palette'))
const Shortcuts = lazy(() => import('./Shortcuts'))

export function Shell() {
  const { t } = useTranslation('app')
  const session = useSession()
  const navigate = useNavigate()
  const { pathname } = useLocation()
  const [open, rail] = useDisclosure(false)
  const [palette, setPalette] = useState(false)
  const [shortcuts, help] = useDisclosure(false)
  useLive(session.user.user_id)
  useGoKeys(session)
  useHotkeys([
    ['mod+K', () => setPalette(true)],
    ['shift+?', help.open],
    ['?', help.open],
    ['N', () => session.can('create_order') && session.customer && navigate('/buy')],
    ['/', () => document.querySelector<HTMLInputElement>('main input[type="search"]')?.focus()],
  ])
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the rail of a phone and begins at its top
  useEffect(() => {
    rail.close()
    window.scrollTo(0, 0)
  }, [pathname])

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 256, breakpoint: 'md', collapsed: { mobile: !open } }}
      padding={{ base: 'sm', sm: 'lg' }}
      layout="alt"
      transitionDuration={120}
    >
      <a href="#content" className="skip-link">
        {t('skip')}
      </a>
      <AppShell.Header className="top">
        <Group h="100%" px={{ base: 'sm', sm: 'lg' }} justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="xs" wrap="nowrap" miw={0}>
            <Burger opened={open} onClick={rail.toggle} hiddenFrom="md" size="sm" aria-label={t('menu')} />
            <Breadcrumb />
          </Group>
          <Group gap={6} wrap="nowrap">
            <Button
              variant="default"
              size="xs"
              visibleFrom="sm"
              leftSection={<IconSearch size={14} aria-hidden />}
              rightSection={<Kbd size="xs">{navigator.platform.startsWith('Mac') ? '⌘' : 'Ctrl'} K</Kbd>}
              onClick={() => setPalette(true)}
            >
              {t('find')}
            </Button>
            <ActionIcon
              variant="default"
              size={30}
              hiddenFrom="sm"
              aria-label={t('find')}
              onClick={() => setPalette(true)}
            >
              <IconSearch size={16} />
            </ActionIcon>
            <HelpMenu onShortcuts={help.open} />
            <UserMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className="rail" aria-label={t('mainMenu')} withBorder={false}>
        <Rail onClose={rail.close} />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <ConnectionBanner />
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
      <Suspense>
        {palette && <Palette onClose={() => setPalette(false)} />}
        {shortcuts && <Shortcuts opened onClose={help.close} />}
      </Suspense>
    </AppShell>
  )
}
