// SPDX-License-Identifier: Apache-2.0
// The one table. Server paging and order, search, filters, chooser of columns, CSV, its empty, failed and loading states;
// on a narrow screen each row is a card.
import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  NativeSelect,
  Pagination,
  Popover,
  Skeleton,
  Stack,
  Text,
  TextInput,
  UnstyledButton,
} from '@mantine/core'
import { useDebouncedCallback, useLocalStorage, useMediaQuery } from '@mantine/hooks'
import {
  IconArrowDown,
  IconArrowsVertical,
  IconArrowUp,
  IconColumns3,
  IconDownload,
  IconRefresh,
  IconSearch,
} from '@tabler/icons-react'
import { DataTable, type DataTableColumn } from 'mantine-datatable'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ProblemAlert } from './Says'
import { SIZES, type TableState } from './tableState'

export interface Column<T> {
  /** Its name in the chooser of columns; also the sort key unless `sort` says another one. */
  key: string
  title: string
  render: (row: T) => ReactNode
  sort?: string | true
  width?: number | string
  align?: 'left' | 'right' | 'center'
  noWrap?: boolean
  /** On a card: the heading, a labelled line (the default), the foot without a label, or not shown. */
  card?: 'heading' | 'line' | 'foot' | 'none'
  /** Not shown until it is chosen. */
  optional?: boolean
}

interface Found<T> {
  data: { items: T[]; total?: number | null } | undefined
  error: Error | null
  isPending: boolean
  isFetching: boolean
  refetch: () => unknown
  /** Lists that go on by a cursor have this instead of numbered pages; null at the end. */
  more?: (() => void) | null
}

interface ResourceTableProps<T> {
  /** Keeps the choice of columns under this name. */
  name: string
  /** What the table is, for screen readers. */
  label: string
  columns: readonly Column<T>[]
  rowKey: (row: T) => string
  found: Found<T>
  state: TableState
  searchLabel?: string
  filters?: ReactNode
  actions?: ReactNode
  empty: ReactNode
  csv?: string
  selection?: { selected: T[]; onChange: (rows: T[]) => void }
}

/** For a list that stands on one page. */
export const WHOLE: TableState = {
  page: 1,
  size: 100,
  sort: '',
  search: '',
  filters: {},
  set: () => undefined,
  query: {},
}

export function ResourceTable<T>(props: ResourceTableProps<T>) {
  const { name, label, columns, rowKey, found, state, empty } = props
  const { t } = useTranslation('ui')
  const narrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false })
  const [hidden, setHidden] = useLocalStorage<string[]>({
    key: `certwright.columns.${name}`,
    defaultValue: columns.filter((one) => one.optional).map((one) => one.key),
    getInitialValueInEffect: false,
  })
  const shown = columns.filter((one) => !hidden.includes(one.key))
  const rows = found.data?.items ?? []
  const total = found.data?.total ?? rows.length
  const pages = Math.max(1, Math.ceil(total / state.size))
  const narrowed = state.search !== '' || Object.keys(state.filters).length > 0

  useEffect(() => {
    // The last row of the last page has gone.
    if (found.data && state.page > pages) state.set({ page: pages })
  }, [found.data, pages, state])

  return (
    <Stack gap="sm" className="resource-table">
      <Group gap="xs" justify="space-between" align="flex-end">
        <Group gap="xs" align="flex-end" className="table-filters">
          {props.searchLabel && <SearchField label={props.searchLabel} state={state} />}
          {props.filters}
        </Group>
        <Group gap="xs" align="flex-end">
          <ActionIcon
            variant="default"
            size={30}
            aria-label={t('refresh')}
            title={t('refresh')}
            loading={found.isFetching}
            loaderProps={{ type: 'dots' }}
            onClick={() => found.refetch()}
          >
            <IconRefresh size={16} />
          </ActionIcon>
          <ColumnChooser columns={columns} hidden={hidden} onChange={setHidden} />
          {props.csv && (
            <Button
              component="a"
              href={props.csv}
              download
              variant="default"
              size="xs"
              leftSection={<IconDownload size={15} />}
            >
              {t('csv')}
            </Button>
          )}
          {props.actions}
        </Group>
      </Group>
      {found.error && <ProblemAlert problem={found.error} again={() => found.refetch()} />}
      {found.isPending && !found.error && <Rows />}
      {found.data && rows.length === 0 && (narrowed ? <NothingMatches state={state} /> : empty)}
      {rows.length > 0 &&
        (narrow ? (
          <Cards rows={rows} columns={shown} rowKey={rowKey} label={label} />
        ) : (
          <Table {...props} shown={shown} rows={rows} />
        ))}
      {rows.length > 0 && found.more !== undefined && (
        <Group gap="sm">
          <Text size="sm" c="dimmed" aria-live="polite">
            {found.data?.total
              ? t('showing', { from: 1, to: rows.length, total })
              : t('showingSome', { count: rows.length })}
          </Text>
          {found.more && (
            <Button size="xs" variant="default" loading={found.isFetching} onClick={found.more}>
              {t('showMore')}
            </Button>
          )}
        </Group>
      )}
      {rows.length > 0 && found.more === undefined && state === WHOLE && (
        <Text size="sm" c="dimmed" aria-live="polite">
          {t('showing', { from: 1, to: rows.length, total })}
        </Text>
      )}
      {rows.length > 0 && found.more === undefined && state !== WHOLE && (
        <Group justify="space-between" gap="xs">
          <Group gap="xs">
            <Text size="sm" c="dimmed" aria-live="polite">
              {t('showing', {
                from: (state.page - 1) * state.size + 1,
                to: (state.page - 1) * state.size + rows.length,
                total,
              })}
            </Text>
            <NativeSelect
              size="xs"
              aria-label={t('rows')}
              value={String(state.size)}
              onChange={(event) => state.set({ size: event.currentTarget.value })}
              data={SIZES.map((size) => ({ value: String(size), label: t('rowsOf', { count: size }) }))}
            />
          </Group>
          <Pagination
            size="sm"
            siblings={narrow ? 0 : 1}
            total={pages}
            value={Math.min(state.page, pages)}
            onChange={(page) => state.set({ page })}
            getControlProps={(control) => ({ 'aria-label': t(`pager.${control}`) })}
            getItemProps={(page) => ({ 'aria-label': t('pager.page', { page }) })}
          />
        </Group>
      )}
    </Stack>
  )
}

function Table<T>(props: ResourceTableProps<T> & { shown: readonly Column<T>[]; rows: T[] }) {
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

function Cards<T>({
  rows,
  columns,
  rowKey,
  label,
}: {
  rows: T[]
  columns: readonly Column<T>[]
  rowKey: (row: T) => string
  label: string
}) {
  const headingFirst = [...columns].sort((a, b) => Number(b.card === 'heading') - Number(a.card === 'heading'))
  return (
    <ul className="cards" aria-label={label}>
      {rows.map((row) => (
        <li key={rowKey(row)} className="card">
          {headingFirst.map((one) => {
            const place = one.card ?? 'line'
            if (place === 'none') return null
            const value = one.render(row)
            if (place === 'heading')
              return (
                <div key={one.key} className="card-heading">
                  {value}
                </div>
              )
            if (place === 'foot')
              return (
                <div key={one.key} className="card-foot">
                  {value}
                </div>
              )
            return (
              <div key={one.key} className="card-line">
                <span className="card-term">{one.title}</span>
                <span className="wrap">{value}</span>
              </div>
            )
          })}
        </li>
      ))}
    </ul>
  )
}

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

function ColumnChooser<T>({
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

function NothingMatches({ state }: { state: TableState }) {
  const { t } = useTranslation('ui')
  const none = Object.fromEntries(Object.keys(state.filters).map((name) => [name, null]))
  return (
    <Stack align="center" gap="xs" py="xl">
      <Text c="dimmed">{t('nothingMatches')}</Text>
      <Button variant="default" size="xs" onClick={() => state.set({ ...none, search: null })}>
        {t('clearFilters')}
      </Button>
    </Stack>
  )
}

function Rows() {
  const { t } = useTranslation('ui')
  return (
    <Stack gap={8} role="status" aria-label={t('loading')}>
      {[1, 2, 3, 4, 5].map((row) => (
        <Skeleton key={row} height={30} radius="sm" />
      ))}
    </Stack>
  )
}
