// SPDX-License-Identifier: Apache-2.0
import { useTranslation } from 'react-i18next'
import { NavLink } from 'react-router'

/** Leads from the sites to the certificates and back (guide §2); links, so that each has its own address. */
export function PaneSwitch() {
  const { t } = useTranslation(['certificates', 'app'])
  return (
    <nav className="pane-switch" aria-label={t('panes')}>
      {(['sites', 'certificates'] as const).map((key) => (
        <NavLink key={key} to={`/${key}`}>
          {t(`app:page.${key}`)}
        </NavLink>
      ))}
    </nav>
  )
}
