// SPDX-License-Identifier: Apache-2.0
import { ActionIcon, Menu } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import {
  IconApi,
  IconBook,
  IconHelp,
  IconInfoCircle,
  IconKeyboard,
  IconMessageCircle,
  IconShieldSearch,
} from '@tabler/icons-react'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { useConsole } from './useConsole'

const About = lazy(() => import('./About'))

/** Help, support and the external scan, each a link of the settings; About (check list 3.02-3.04). */
export function HelpMenu({ onShortcuts }: { onShortcuts: () => void }) {
  const { t } = useTranslation('app')
  const facts = useConsole()
  const [about, { open, close }] = useDisclosure(false)
  return (
    <>
      <Menu position="bottom-end" width={230} withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <ActionIcon variant="default" size={30} aria-label={t('help.menu')}>
            <IconHelp size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {facts.help_url && (
            <Menu.Item
              component="a"
              href={facts.help_url}
              target="_blank"
              rel="noreferrer"
              leftSection={<IconBook size={16} />}
            >
              {t('help.online')}
            </Menu.Item>
          )}
          <Menu.Item component="a" href="/docs" target="_blank" rel="noreferrer" leftSection={<IconApi size={16} />}>
            {t('help.api')}
          </Menu.Item>
          {facts.support_url && (
            <Menu.Item
              component="a"
              href={facts.support_url}
              target="_blank"
              rel="noreferrer"
              leftSection={<IconMessageCircle size={16} />}
            >
              {t('help.support')}
            </Menu.Item>
          )}
          {facts.scan_url && (
            <Menu.Item
              component="a"
              href={facts.scan_url}
              target="_blank"
              rel="noreferrer"
              leftSection={<IconShieldSearch size={16} />}
            >
              {facts.scan_label}
            </Menu.Item>
          )}
          <Menu.Item onClick={onShortcuts} leftSection={<IconKeyboard size={16} />}>
            {t('shortcut.title')}
          </Menu.Item>
          <Menu.Item onClick={open} leftSection={<IconInfoCircle size={16} />}>
            {t('help.about')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Suspense>{about && <About onClose={close} />}</Suspense>
    </>
  )
}
