// SPDX-License-Identifier: Apache-2.0
// Every page behind the shell: where it is, what it is called, who sees it, and its code, loaded when it is opened.
// The rail, the palette, the breadcrumb and the router are made from this one list.
import {
  IconAddressBook,
  IconBell,
  IconBuilding,
  IconCertificate,
  IconClipboardList,
  IconCoin,
  IconHeartbeat,
  IconHistory,
  IconListDetails,
  IconMail,
  IconServer,
  IconSettings,
  IconShoppingCart,
  IconTicket,
  IconUsers,
  IconWorld,
  type TablerIcon,
} from '@tabler/icons-react'
import type { ComponentType } from 'react'
import type { Session } from './session'

export interface Page {
  /** Below /console. Also the key of its title in app:page, with dots for slashes and without parameters. */
  path: string
  key: string
  group: 'ssl' | 'account' | 'operator'
  icon: TablerIcon
  /** In the rail; others are reached from their list. */
  rail: boolean
  shown: (session: Session) => boolean
  load: () => Promise<{ default: ComponentType }>
}

const customer = (session: Session): boolean => session.user.account_id !== null
const may =
  (permission: string) =>
  (session: Session): boolean =>
    customer(session) && session.permissions.includes(permission)
const operator = (session: Session): boolean => session.permissions.includes('operator')
const viewer = (session: Session): boolean => may('view')(session) || operator(session)

export const PAGES: readonly Page[] = [
  page('orders', 'orders', 'ssl', IconListDetails, viewer, () => import('@/features/orders/OrdersPage')),
  page('orders/:orderId', 'order', 'ssl', IconListDetails, viewer, () => import('@/features/order/OrderPage'), false),
  page('buy', 'buy', 'ssl', IconShoppingCart, may('create_order'), () => import('@/features/buy/BuyPage'), false),
  page(
    'orders/:orderId/payment',
    'payment',
    'ssl',
    IconCoin,
    may('create_order'),
    () => import('@/features/pay/PayPage'),
    false,
  ),
  page('sites', 'sites', 'ssl', IconWorld, viewer, () => import('@/features/inventory/SitesPage')),
  page(
    'certificates',
    'certificates',
    'ssl',
    IconCertificate,
    viewer,
    () => import('@/features/inventory/CertificatesPage'),
  ),
  page('servers', 'servers', 'ssl', IconServer, viewer, () => import('@/features/servers/ServersPage')),
  page('alerts', 'alerts', 'ssl', IconBell, viewer, () => import('@/features/alerts/AlertsPage')),
  page('deposit', 'deposit', 'account', IconCoin, may('view'), () => import('@/features/deposit/DepositPage')),
  page('company', 'company', 'account', IconBuilding, may('view'), () => import('@/features/company/CompanyPage')),
  page('users', 'users', 'account', IconUsers, may('administer'), () => import('@/features/users/UsersPage')),
  page(
    'audit',
    'audit',
    'account',
    IconHistory,
    (s) => may('administer')(s) || operator(s),
    () => import('@/features/audit/AuditPage'),
  ),
  page(
    'profile',
    'profile',
    'account',
    IconSettings,
    () => true,
    () => import('@/features/profile/ProfilePage'),
    false,
  ),
  page(
    'operator/health',
    'health',
    'operator',
    IconHeartbeat,
    operator,
    () => import('@/features/operator/HealthPage'),
  ),
  page(
    'operator/accounts',
    'accounts',
    'operator',
    IconAddressBook,
    operator,
    () => import('@/features/operator/AccountsPage'),
  ),
  page('operator/mails', 'mails', 'operator', IconMail, operator, () => import('@/features/operator/MailsPage')),
  page(
    'operator/vouchers',
    'vouchers',
    'operator',
    IconTicket,
    operator,
    () => import('@/features/operator/VouchersPage'),
  ),
  page(
    'operator/parked',
    'parked',
    'operator',
    IconClipboardList,
    operator,
    () => import('@/features/operator/ParkedPage'),
  ),
]

function page(
  path: string,
  key: string,
  group: Page['group'],
  icon: TablerIcon,
  shown: Page['shown'],
  load: Page['load'],
  rail = true,
): Page {
  return { path, key, group, icon, shown, load, rail }
}
