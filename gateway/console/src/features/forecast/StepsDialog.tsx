// SPDX-License-Identifier: Apache-2.0
// One order's way, step by step.
import { Button, Group, Modal, Table, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useApi } from '@/api/client'
import { money } from '@/ui/format'
import { Asked } from '@/ui/Says'
import { Moment, Names } from '@/ui/Texts'

export function StepsDialog({ orderId, until, onClose }: { orderId: string; until: string; onClose: () => void }) {
  const { t } = useTranslation(['forecast', 'validation', 'ui'])
  const found = useApi('/api/v1/orders/forecast', { query: { until, order_id: orderId } })
  const number = found.data?.orders[0]?.number ?? ''
  return (
    <Modal opened onClose={onClose} title={t('stepsOf', { number })} size="xl">
      <Asked query={found}>
        {({ steps, currency }) =>
          steps.length === 0 ? (
            <Text size="sm">{t('nothingDue')}</Text>
          ) : (
            <Table.ScrollContainer minWidth={420} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
              <Table fz="sm" verticalSpacing={6} aria-label={t('stepsOf', { number })}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('when')}</Table.Th>
                    <Table.Th>{t('what')}</Table.Th>
                    <Table.Th>{t('validUntil')}</Table.Th>
                    <Table.Th ta="right">{t('cost')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {steps.map((step) => (
                    <Table.Tr key={`${step.at} ${step.kind} ${step.method}`}>
                      <Table.Td>
                        <Moment at={step.at} precision="day" />
                      </Table.Td>
                      <Table.Td>
                        {t(`kind.${step.kind}`)}
                        {step.method && ` (${t(`validation:method.${step.method}`)})`}
                        {step.names.length > 0 && (
                          <div>
                            <Names names={step.names} />
                          </div>
                        )}
                      </Table.Td>
                      <Table.Td>
                        <Moment at={step.not_after} precision="day" />
                      </Table.Td>
                      <Table.Td ta="right">{step.cost ? money(step.cost, currency) : ''}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )
        }
      </Asked>
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onClose}>
          {t('ui:close')}
        </Button>
      </Group>
    </Modal>
  )
}
