// SPDX-License-Identifier: Apache-2.0
import { Button, type MantineColorScheme, Menu, Text, useMantineColorScheme } from '@mantine/core'
import { IconDeviceDesktop, IconLogout, IconMoon, IconSun, IconUser, IconUserCircle } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { chooseLanguage, LANGUAGES, type Language } from '@/i18n'
import { Moment } from '@/ui/Texts'
import { signOut, useSession } from './session'

const SCHEMES = [
  ['auto', IconDeviceDesktop],
  ['light', IconSun],
  ['dark', IconMoon],
] as const

/** Profile, theme, language, sign-out (check list 3.12). */
export function UserMenu() {
  const { t, i18n } = useTranslation('app')
  const session = useSession()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const { login, last_sign_in_at } = session.user
  return (
    <Menu position="bottom-end" width={250} closeOnItemClick={false} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <Button
          variant="default"
          size="xs"
          className="user-button"
          leftSection={<IconUser size={15} aria-hidden />}
          aria-label={t('user.menu', { login })}
        >
          <span className="user-name">{login}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {last_sign_in_at && (
          <Text size="xs" c="dimmed" px="sm" py={4}>
            {t('user.last')} <Moment at={last_sign_in_at} />
          </Text>
        )}
        <Menu.Item component={Link} to="/profile" closeMenuOnClick leftSection={<IconUserCircle size={16} />}>
          {t('user.profile')}
        </Menu.Item>
        <Menu.Label>{t('user.theme')}</Menu.Label>
        <Menu.RadioGroup value={colorScheme} onChange={(scheme) => setColorScheme(scheme as MantineColorScheme)}>
          {SCHEMES.map(([scheme, Icon]) => (
            <Menu.RadioItem key={scheme} value={scheme} rightSection={<Icon size={16} aria-hidden />}>
              {t(`user.scheme.${scheme}`)}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Label>{t('user.language')}</Menu.Label>
        <Menu.RadioGroup value={i18n.language} onChange={(code) => void chooseLanguage(code as Language)}>
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <Menu.RadioItem key={code} value={code} lang={code}>
              {name}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
          {t('user.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
