// SPDX-License-Identifier: Apache-2.0
// The plans of the chosen sites, to be looked at. What is approved is what stands here, by its hash.
import { Button, Divider, Group, Stack, Text } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { Fragment } from 'react'
import { useTranslation } from 'react-i18next'
import { fetchApi } from '@/api/client'
import { type Plan, PlanView } from './PlanView'

const PLAN = '/api/v1/installation-plans/{plan_id}'

interface PlanReviewProps {
  planIds: readonly string[]
  busy: boolean
  onApprove: (plans: Plan[]) => void
  onBack: () => void
}

export function PlanReview({ planIds, busy, onApprove, onBack }: PlanReviewProps) {
  const { t } = useTranslation(['install', 'ui'])
  const asked = useQueries({
    queries: planIds.map((plan_id) => ({
      queryKey: [PLAN, { plan_id }, {}],
      queryFn: () => fetchApi(PLAN, { path: { plan_id } }),
    })),
  })
  const plans = asked.flatMap((one) => (one.data ? [one.data] : []))
  const ready = plans.length === planIds.length && plans.every((plan) => plan.status === 'told')
  return (
    <Stack>
      <Text size="sm">{t('planText')}</Text>
      {plans.map((plan, index) => (
        <Fragment key={plan.plan_id}>
          {index > 0 && <Divider />}
          <PlanView plan={plan} />
        </Fragment>
      ))}
      <Group justify="flex-end">
        <Button variant="default" onClick={onBack}>
          {t('ui:back')}
        </Button>
        <Button disabled={!ready} loading={busy} onClick={() => onApprove(plans)}>
          {t('approve')}
        </Button>
      </Group>
    </Stack>
  )
}
