// SPDX-License-Identifier: Apache-2.0
import { Checkbox, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/app/session'

const CUSTOMER = ['view', 'create_order', 'replenish_balance', 'administer'] as const
const OPERATOR = ['operator', 'view', 'administer'] as const

/** What a user may do, each with what that means. The API says what the giver may give. */
export function Permissions({ field }: { field: object }) {
  const { t } = useTranslation('users')
  const session = useSession()
  return (
    <Checkbox.Group label={t('permissions')} withAsterisk {...field}>
      <Stack gap={6} mt={4}>
        {(session.customer ? CUSTOMER : OPERATOR).map((one) => (
          <Checkbox key={one} value={one} label={t(`ui:permission.${one}`)} description={t(`means.${one}`)} />
        ))}
      </Stack>
    </Checkbox.Group>
  )
}
