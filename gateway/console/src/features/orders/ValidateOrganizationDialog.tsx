// SPDX-License-Identifier: Apache-2.0
import { Text, Textarea } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useTranslation } from 'react-i18next'
import { useApi, useCommand } from '@/api/client'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'
import { Asked } from '@/ui/Says'
import { Facts } from '@/ui/Texts'
import type { OrderDialogProps } from './actions'

const FIELDS = [
  'name',
  'registration_number',
  'jurisdiction_country',
  'address1',
  'address2',
  'address3',
  'po_box',
  'postal_code',
  'locality',
  'state',
  'country',
] as const

/** An operator has checked the organization of an OV or EV order against registers. */
export default function ValidateOrganizationDialog({ order, onClose }: OrderDialogProps) {
  const { t } = useTranslation(['orders', 'ui'])
  const found = useApi('/api/v1/orders/{order_id}', { path: { order_id: order.order_id } })
  const validate = useCommand('post', '/api/v1/orders/{order_id}/organization-validation', [
    '/api/v1/orders/{order_id}',
    '/api/v1/orders/{order_id}/history',
    '/api/v1/orders',
  ])
  const { form, problem, sending, submit } = useApiForm({
    initial: { note: '' },
    send: async ({ note }) => {
      await validate.mutateAsync({ path: { order_id: order.order_id }, body: { note: note.trim() } })
      notifications.show({ message: t('validate.done', { number: order.number }) })
      onClose()
    },
  })
  return (
    <FormDialog
      title={t('validate.title', { number: order.number })}
      form={{ problem, sending, submit }}
      verb={t('validate.verb')}
      size="lg"
      onClose={onClose}
    >
      <Text>{t('validate.text')}</Text>
      <Asked query={found}>
        {({ organization, validation_level }) => (
          <Facts
            facts={[
              [t('validate.level'), validation_level],
              ...FIELDS.map(
                (name) =>
                  [t(`validate.${name}`), organization?.[name] && <bdi key={name}>{organization[name]}</bdi>] as const,
              ),
            ]}
          />
        )}
      </Asked>
      <Textarea
        label={t('validate.note')}
        description={t('validate.noteHint')}
        autosize
        minRows={2}
        maxRows={8}
        data-autofocus
        {...form.getInputProps('note')}
      />
    </FormDialog>
  )
}
