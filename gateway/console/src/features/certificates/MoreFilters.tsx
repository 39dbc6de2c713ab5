// SPDX-License-Identifier: Apache-2.0
import { Button, NativeSelect, Popover, Stack } from '@mantine/core'
import { IconFilter } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useApi } from '@/api/client'
import type { TableState } from '@/ui/tableState'

const SOURCES = ['issued', 'agent', 'scan', 'uploaded']
const NAMES = ['brand', 'level', 'key', 'source', 'bookmarked', 'reused'] as const

/** The filters that are needed now and then: issuer, validation, key, source, flag. */
export function MoreFilters({ state }: { state: TableState }) {
  const { t } = useTranslation(['certificates', 'ui'])
  const words = useApi('/api/v1/certificates/words')
  const { filters } = state
  const set = NAMES.filter((name) => filters[name] !== undefined).length
  const plain = (values: readonly string[] | undefined) => (values ?? []).map((value) => ({ value, label: value }))
  const truth = [
    { value: 'true', label: t('ui:yes') },
    { value: 'false', label: t('ui:no') },
  ]
  const choices: Record<(typeof NAMES)[number], { value: string; label: string }[]> = {
    brand: plain(words.data?.brands),
    level: plain(words.data?.levels),
    key: plain(words.data?.keys),
    source: SOURCES.map((value) => ({ value, label: t(`source.${value}`) })),
    bookmarked: truth,
    reused: truth,
  }
  return (
    <Popover position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <Button size="xs" variant="default" leftSection={<IconFilter size={15} aria-hidden />}>
          {set > 0 ? t('filter.moreSet', { count: set }) : t('filter.more')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('filter.more')}>
        <Stack gap="xs">
          {NAMES.map((name) => (
            <NativeSelect
              key={name}
              size="xs"
              label={t(`filter.${name}`)}
              value={filters[name] ?? ''}
              onChange={({ currentTarget: { value } }) => state.set({ [name]: value })}
              data={[{ value: '', label: t('filter.anyEnd') }, ...choices[name]]}
            />
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}
