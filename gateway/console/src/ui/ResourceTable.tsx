// SPDX-License-Identifier: Apache-2.0
// The one table. Server paging and order, search, filters, chooser of columns, CSV, its empty, failed and loading states;
// on a narrow screen each row is a card.
import { ActionIcon, Button, Group, NativeSelect, Pagination, Skeleton, Stack, Text } from '@mantine/core'
import { useLocalStorage, useMediaQuery } from '@mantine/hooks'
import { IconDownload, IconRefresh } from '@tabler/icons-react'
import { type ReactNode, useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { Cards } from './Cards'
import { ProblemAlert } from './Says'
import { ColumnChooser, SearchField } from './TableControls'
import { SIZES, type TableState } from './tableState'
import { WideTable } from './WideTable'

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
  /** What `data` has is what was asked before; the answer is on its way. */
  isPlaceholderData: boolean
  refetch: () => unknown
  /** Lists that go on by a cursor have this instead of numbered pages; null at the end. */
  more?: (() => void) | null
}

export interface ResourceTableProps<T> {
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
  const old = found.isPlaceholderData
  const narrowed = state.search !== '' || Object.keys(state.filters).length > 0

  useEffect(() => {
    // The last row of the last page has gone.
    if (found.data && !old && state.page > pages) state.set({ page: pages })
  }, [found.data, old, pages, state])

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
          <WideTable {...props} shown={shown} rows={rows} />
        ))}
      {rows.length > 0 && found.more !== undefined && (
        <Group gap="sm">
          <Text size="sm" c="dimmed" aria-live="polite">
            {old
              ? t('loading')
              : found.data?.total
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
              {old
                ? t('loading')
                : t('showing', {
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
