// SPDX-License-Identifier: Apache-2.0
// What the rail does not offer is not opened by its address either: instead it is said which right that needs.
import { Button } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { Empty } from '@/ui/Says'
import { home, type Page } from './pages'
import { useSession } from './session'

export function Permitted({ page, children }: { page: Page; children: ReactNode }) {
  const session = useSession()
  return page.shown(session) ? children : <NotPermitted page={page} />
}

function NotPermitted({ page }: { page: Page }) {
  const { t } = useTranslation(['app', 'users'])
  const session = useSession()
  const start = home(session)
  const right = page.right === 'look' ? 'view' : page.right
  // Customers' pages belong to an account; who runs the installation has none.
  const foreign = !session.customer && right !== 'operator'
  return (
    <Empty
      order={1}
      icon={IconLock}
      title={t('notPermitted.title', { page: t(`page.${page.key}`) })}
      text={
        foreign
          ? t('notPermitted.customersOnly')
          : right === 'operator'
            ? t('notPermitted.operatorsOnly')
            : t('notPermitted.text', { right: t(`ui:permission.${right}`) })
      }
    >
      {`/${page.path}` !== start && (
        <Button component={Link} to={start} variant="default">
          {t('notFound.back')}
        </Button>
      )}
    </Empty>
  )
}
