// SPDX-License-Identifier: Apache-2.0
import { NativeSelect } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { TableState } from '@/ui/tableState'

/** Narrows the list to sites with findings, or to those without. */
export function AmissFilter({ state }: { state: TableState }) {
  const { t } = useTranslation('sites')
  return (
    <NativeSelect
      size="xs"
      label={t('amiss.label')}
      value={state.filters.amiss ?? ''}
      onChange={(event) => state.set({ amiss: event.currentTarget.value })}
      data={[
        { value: '', label: t('amiss.any') },
        { value: 'true', label: t('amiss.true') },
        { value: 'false', label: t('amiss.false') },
      ]}
    />
  )
}
