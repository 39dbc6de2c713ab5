// SPDX-License-Identifier: Apache-2.0
import type { Column } from './ResourceTable'

/** A list on a narrow screen: each row is a card. */
export function Cards<T>({
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
