// SPDX-License-Identifier: Apache-2.0
import { Table } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { money } from '@/ui/format'

/** The EPKI price list: a group per product, a line per term. */
export function PriceList({ products }: { products: readonly Schemas['Product'][] }) {
  const { t } = useTranslation('deposit')
  const price = (minor: number | null | undefined, currency: string) => (minor == null ? '–' : money(minor, currency))
  const upTo = (count: number) => (count > 1 ? t('upTo', { count }) : count)
  return (
    <Table.ScrollContainer
      minWidth={760}
      scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': t('prices') } as object }}
    >
      <Table aria-label={t('prices')}>
        <Table.Thead>
          <Table.Tr>
            {(['product', 'buy', 'single', 'extra', 'extraNames', 'wildcard', 'wildcardNames'] as const).map((key) => (
              <Table.Th key={key}>{t(`price.${key}`)}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        {products.map((product) => (
          <Table.Tbody key={product.code}>
            <Table.Tr className="group-row">
              <Table.Th colSpan={7} scope="rowgroup">
                {product.name}
              </Table.Th>
            </Table.Tr>
            {product.terms.map((term) => (
              <Table.Tr key={term.years}>
                <Table.Td>{t('years', { count: term.years })}</Table.Td>
                <Table.Td>{price(term.price, product.currency)}</Table.Td>
                <Table.Td>{upTo(term.included_names)}</Table.Td>
                <Table.Td>{price(term.extra_name_price, product.currency)}</Table.Td>
                <Table.Td>{term.extra_name_price == null ? '–' : upTo(term.max_names)}</Table.Td>
                <Table.Td>{price(term.extra_wildcard_price, product.currency)}</Table.Td>
                <Table.Td>{term.max_wildcards ? upTo(term.max_wildcards) : '–'}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        ))}
      </Table>
    </Table.ScrollContainer>
  )
}
