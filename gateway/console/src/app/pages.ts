// SPDX-License-Identifier: Apache-2.0
// Every page behind the shell: where it is, what it is called, who sees it, and its code, loaded when it is opened.
// The rail, the palette, the breadcrumb and the router are made from this one list.
import {
  IconActivityHeartbeat,
  IconBell,
  IconBuilding,
  IconCertificate,
  IconCoin,
  IconDiscount2,
  IconHistory,
  IconListDetails,
  IconMail,
  IconPlugConnected,
  IconRadar,
  IconReplace,
  IconServer,
  IconShoppingCart,
  IconStethoscope,
  IconTimeline,
  IconUserCircle,
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
  right: Right
  shown: (session: Session) => boolean
  load: () => Promise<{ default: ComponentType }>
}

const customer = (session: Session): boolean => session.user.account_id !== null
const may =
  (permission: string) =>
  (session: Session): boolean =>
    customer(session) && session.permissions.includes(permission)
const operator = (session: Session): boolean => session.permissions.includes('operator')

/** Who sees a page. */
const RIGHTS = {
  anybody: () => true,
  customer,
  view: may('view'),
  // Operators look into every account.
  look: (session: Session) => may('view')(session) || operator(session),
  create_order: may('create_order'),
  administer: (session: Session) => session.permissions.includes('administer'),
  operator,
} satisfies Record<string, (session: Session) => boolean>
type Right = keyof typeof RIGHTS

export const PAGES: readonly Page[] = [
  page('orders', 'orders', 'ssl', IconListDetails, 'look', () => import('@/features/orders/OrdersPage')),
  page('orders/:orderId', 'order', 'ssl', IconListDetails, 'look', () => import('@/features/order/OrderPage'), false),
  page('buy', 'buy', 'ssl', IconShoppingCart, 'create_order', () => import('@/features/buy/BuyPage'), false),
  page(
    'orders/:orderId/payment',
    'payment',
    'ssl',
    IconCoin,
    'create_order',
    () => import('@/features/pay/PayPage'),
    false,
  ),
  page('sites', 'sites', 'ssl', IconWorld, 'look', () => import('@/features/sites/SitesPage')),
  page(
    'certificates',
    'certificates',
    'ssl',
    IconCertificate,
    'look',
    () => import('@/features/certificates/CertificatesPage'),
  ),
  page('discovery', 'discovery', 'ssl', IconRadar, 'look', () => import('@/features/discovery/DiscoveryPage')),
  page(
    'discovery/:scanId',
    'scan',
    'ssl',
    IconRadar,
    'look',
    () => import('@/features/discovery/DiscoveryPage'),
    false,
  ),
  page('tools', 'tools', 'ssl', IconStethoscope, 'look', () => import('@/features/tools/ToolsPage')),
  page('tools/:checkId', 'check', 'ssl', IconStethoscope, 'look', () => import('@/features/tools/ToolsPage'), false),
  page('forecast', 'forecast', 'ssl', IconTimeline, 'look', () => import('@/features/forecast/ForecastPage')),
  page(
    'replacements',
    'replacements',
    'ssl',
    IconReplace,
    'look',
    () => import('@/features/replacements/ReplacementsPage'),
  ),
  page(
    'replacements/:replacementId',
    'replacement',
    'ssl',
    IconReplace,
    'look',
    () => import('@/features/replacements/ReplacementPage'),
    false,
  ),
  page('servers', 'servers', 'ssl', IconServer, 'look', () => import('@/features/servers/ServersPage')),
  page('deposit', 'deposit', 'account', IconCoin, 'view', () => import('@/features/deposit/DepositPage')),
  page('company', 'company', 'account', IconBuilding, 'customer', () => import('@/features/company/CompanyPage')),
  page('acme', 'acme', 'account', IconPlugConnected, 'view', () => import('@/features/acme/ACMEPage')),
  page('profile', 'profile', 'account', IconUserCircle, 'anybody', () => import('@/features/profile/ProfilePage')),
  page('alerts', 'alerts', 'account', IconBell, 'view', () => import('@/features/alerts/AlertsPage')),
  page('users', 'users', 'account', IconUsers, 'administer', () => import('@/features/users/UsersPage')),
  page('audit', 'audit', 'account', IconHistory, 'administer', () => import('@/features/audit/AuditPage')),
  page('health', 'health', 'operator', IconActivityHeartbeat, 'operator', () => import('@/features/health/HealthPage')),
  page('accounts', 'accounts', 'operator', IconBuilding, 'operator', () => import('@/features/accounts/AccountsPage')),
  page('mails', 'mails', 'operator', IconMail, 'operator', () => import('@/features/mails/MailsPage')),
  page('vouchers', 'vouchers', 'operator', IconDiscount2, 'operator', () => import('@/features/vouchers/VouchersPage')),
]

/** Where the console opens: the orders of a customer, the state of the installation for who runs it. */
export function home(session: Session): string {
  return customer(session) ? '/orders' : '/health'
}

function page(
  path: string,
  key: string,
  group: Page['group'],
  icon: TablerIcon,
  right: Right,
  load: Page['load'],
  rail = true,
): Page {
  return { path, key, group, icon, right, shown: RIGHTS[right], load, rail }
}
