// SPDX-License-Identifier: Apache-2.0
import { UnstyledButton } from '@mantine/core'
import { IconArrowDown, IconArrowsVertical, IconArrowUp } from '@tabler/icons-react'
import { DataTable, type DataTableColumn } from 'mantine-datatable'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { Column, ResourceTableProps } from './ResourceTable'

/** A list on a wide screen. */
export function WideTable<T>(props: ResourceTableProps<T> & { shown: readonly Column<T>[]; rows: T[] }) {
  const { t } = useTranslation('ui')
  const { state, selection, shown, rows, label, rowKey } = props
  const descending = state.sort.startsWith('-')
  const columns: DataTableColumn<T>[] = shown.map((one) => {
    const key = one.sort === true ? one.key : one.sort
    const sorted = key !== undefined && state.sort.replace('-', '') === key
    const order = sorted ? (descending ? 'descending' : 'ascending') : 'none'
    return {
      accessor: one.key,
      title: key ? (
        <SortButton
          title={one.title}
          order={order}
          onSort={() => state.set({ sort: order === 'ascending' ? `-${key}` : key })}
        />
      ) : (
        one.title
      ),
      render: one.render,
      width: one.width,
      textAlign: one.align,
      noWrap: one.noWrap,
    }
  })
  return (
    <DataTable<T>
      records={rows}
      columns={columns}
      idAccessor={rowKey as never}
      tableRef={(table) => table?.setAttribute('aria-label', label)}
      withTableBorder
      borderRadius="sm"
      highlightOnHover
      verticalSpacing={7}
      fz="sm"
      minHeight={0}
      noRecordsText=""
      selectedRecords={selection?.selected}
      onSelectedRecordsChange={selection?.onChange}
      {...(selection && {
        allRecordsSelectionCheckboxProps: { 'aria-label': t('selectAll') },
        getRecordSelectionCheckboxProps: (row: T) => ({ 'aria-label': t('selectRow', { row: rowKey(row) }) }),
      })}
    />
  )
}

type SortOrder = 'ascending' | 'descending' | 'none'

/** The head of a column that sorts: a button, while the cell itself stays a column header that says its order. */
function SortButton({ title, order, onSort }: { title: string; order: SortOrder; onSort: () => void }) {
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    button.current?.closest('th')?.setAttribute('aria-sort', order)
  }, [order])
  const Icon = { ascending: IconArrowUp, descending: IconArrowDown, none: IconArrowsVertical }[order]
  return (
    <UnstyledButton ref={button} className="sort-button" data-order={order} onClick={onSort}>
      {title}
      <Icon size={14} aria-hidden />
    </UnstyledButton>
  )
}
