// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useTranslation } from 'react-i18next'
import { useCommand } from '@/api/client'
import { useApiForm } from '@/ui/form'
import { ProblemAlert } from '@/ui/Says'
import type { OrderDialogProps } from './actions'

/** An operator refuses an order before it is issued, and tells the customer why. */
export default function RejectDialog({ order, onClose }: OrderDialogProps) {
  const { t } = useTranslation(['orders', 'ui'])
  const number = String(order.number)
  const reject = useCommand('post', '/api/v1/orders/{order_id}/reject', [
    '/api/v1/orders/{order_id}',
    '/api/v1/orders/{order_id}/history',
    '/api/v1/orders',
  ])
  const { form, problem, sending, submit } = useApiForm({
    initial: { reason: '', typed: '' },
    check: { reason: (text: string) => (text.trim() ? null : t('reject.reasonMissing')) } as never,
    send: async ({ reason }) => {
      await reject.mutateAsync({ path: { order_id: order.order_id }, body: { reason: reason.trim() } })
      notifications.show({ message: t('reject.done', { number }) })
      onClose()
    },
  })
  return (
    <Modal opened onClose={onClose} title={t('reject.title', { number })} size="lg">
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Stack>
          {problem && <ProblemAlert problem={problem} />}
          <Text>{t('reject.text')}</Text>
          <Textarea
            label={t('reject.reason')}
            description={t('reject.reasonHint')}
            withAsterisk
            autosize
            minRows={2}
            maxRows={8}
            data-autofocus
            {...form.getInputProps('reason')}
          />
          <TextInput
            label={t('ui:typeToConfirm', { word: number })}
            autoComplete="off"
            {...form.getInputProps('typed')}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('ui:cancel')}
            </Button>
            <Button type="submit" color="vermilion" loading={sending} disabled={form.values.typed.trim() !== number}>
              {t('reject.verb')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
