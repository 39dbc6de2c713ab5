// SPDX-License-Identifier: Apache-2.0
// A state as icon, word and colour: never colour alone.
import { Badge, type MantineColor } from '@mantine/core'
import {
  IconAlertTriangle,
  IconBan,
  IconCheck,
  IconCircleDashed,
  IconCircleX,
  IconClock,
  IconCreditCard,
  IconFileText,
  IconLoader,
  IconPlugConnected,
  IconPlugConnectedX,
  IconShieldCheck,
  type TablerIcon,
} from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'

const LOOKS: Record<string, [MantineColor, TablerIcon]> = {
  awaiting_payment: ['ochre', IconCreditCard],
  waiting_for_csr: ['ochre', IconFileText],
  processing: ['ink', IconLoader],
  issued: ['pine', IconShieldCheck],
  installed: ['pine', IconCheck],
  paid: ['pine', IconCheck],
  expired: ['vermilion', IconClock],
  cancelled: ['gray', IconBan],
  revoked: ['vermilion', IconBan],
  rejected: ['vermilion', IconCircleX],
  connected: ['pine', IconPlugConnected],
  not_connected: ['gray', IconPlugConnectedX],
  outdated: ['vermilion', IconAlertTriangle],
  keys_missing: ['ochre', IconAlertTriangle],
  host_key_changed: ['vermilion', IconAlertTriangle],
  unverified: ['ochre', IconCircleDashed],
  removed: ['gray', IconBan],
  open: ['ochre', IconCircleDashed],
  validating: ['ink', IconLoader],
  valid: ['pine', IconCheck],
  acknowledged: ['ink', IconCheck],
  resolved: ['pine', IconCheck],
  waiting: ['gray', IconClock],
  claimed: ['ink', IconLoader],
  running: ['ink', IconLoader],
  requested: ['ink', IconLoader],
  queued: ['gray', IconClock],
  not_begun: ['ochre', IconBan],
  succeeded: ['pine', IconCheck],
  done: ['pine', IconCheck],
  delivered: ['pine', IconCheck],
  undone: ['ochre', IconBan],
  failed: ['vermilion', IconCircleX],
  stopping: ['ochre', IconLoader],
  stopped: ['ochre', IconBan],
  finished: ['pine', IconCheck],
  notice: ['ink', IconAlertTriangle],
  warning: ['ochre', IconAlertTriangle],
  critical: ['vermilion', IconAlertTriangle],
  refunded: ['gray', IconBan],
  started: ['ink', IconLoader],
  refused: ['vermilion', IconCircleX],
  healthy: ['pine', IconCheck],
  unhealthy: ['vermilion', IconAlertTriangle],
  balanced: ['pine', IconCheck],
  unbalanced: ['vermilion', IconAlertTriangle],
  active: ['pine', IconCheck],
  scheduled: ['ink', IconClock],
  used_up: ['gray', IconBan],
  ended: ['gray', IconBan],
  paused: ['ochre', IconClock],
  completed: ['pine', IconCheck],
}

/** The badge of a state word of the API; its text stands in ui:state. */
export function Status({ state }: { state: string }) {
  const { t } = useTranslation('ui')
  const [colour, Icon] = LOOKS[state] ?? ['gray', IconCircleDashed]
  return (
    <Badge
      className="status"
      variant="light"
      color={colour}
      radius="sm"
      tt="none"
      leftSection={<Icon size={13} stroke={2} aria-hidden />}
    >
      {t(`state.${state}`)}
    </Badge>
  )
}
