// SPDX-License-Identifier: Apache-2.0
// What stands above a table: its search and the choice of its columns.
import { ActionIcon, Checkbox, Popover, Stack, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconColumns3, IconSearch } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Column } from './ResourceTable'
import type { TableState } from './tableState'

/** What can be searched for in what was typed: no control characters, which addresses cannot hold, and no novel. */
function searchable(text: string): string {
  return text
    .replace(/\p{Cc}/gu, ' ')
    .slice(0, 200)
    .trim()
}

/** The search field of a list; it asks when typing pauses. */
export function SearchField({ label, state }: { label: string; state: TableState }) {
  const [text, setText] = useState(state.search)
  const search = useDebouncedCallback((value: string) => state.set({ search: searchable(value) }), 250)
  useEffect(() => setText(state.search), [state.search])
  return (
    <TextInput
      type="search"
      size="xs"
      label={label}
      value={text}
      maxLength={200}
      leftSection={<IconSearch size={14} aria-hidden />}
      onChange={(event) => {
        setText(event.currentTarget.value)
        search(event.currentTarget.value)
      }}
    />
  )
}

/** Shows and hides columns; the first one stays. */
export function ColumnChooser<T>({
  columns,
  hidden,
  onChange,
}: {
  columns: readonly Column<T>[]
  hidden: string[]
  onChange: (hidden: string[]) => void
}) {
  const { t } = useTranslation('ui')
  return (
    <Popover position="bottom-end" trapFocus returnFocus>
      <Popover.Target>
        <ActionIcon variant="default" size={30} aria-label={t('columns')} title={t('columns')}>
          <IconColumns3 size={16} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('columns')}>
        <Checkbox.Group
          value={columns.map((one) => one.key).filter((key) => !hidden.includes(key))}
          onChange={(keys) => onChange(columns.map((one) => one.key).filter((key) => !keys.includes(key)))}
        >
          <Stack gap={10}>
            {columns.map((one, index) => (
              <Checkbox key={one.key} size="xs" value={one.key} label={one.title} disabled={index === 0} />
            ))}
          </Stack>
        </Checkbox.Group>
      </Popover.Dropdown>
    </Popover>
  )
}
