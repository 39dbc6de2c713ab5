// SPDX-License-Identifier: Apache-2.0
// The slider over an order's events. It stands at the last one, which is now.
import { Slider, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { event } from '@/sentences/say'
import { moment } from '@/ui/format'

interface AsOfProps {
  entries: readonly Schemas['HistoryEntry'][]
  at: string | null
  onChange: (at: string | null) => void
}

export function AsOf({ entries, at, onChange }: AsOfProps) {
  const { t } = useTranslation(['order', 'sentences'])
  const last = entries.length - 1
  if (last < 1) return null
  const index = at === null ? last : entries.findLastIndex((entry) => entry.occurred_at <= at)
  const word = (position: number): string => {
    const entry = entries[position]
    if (!entry) return ''
    return position === last ? t('now') : `${moment(entry.occurred_at, 'second')}: ${event(entry)}`
  }
  return (
    <section className="sheet" aria-label={t('asOf.title')}>
      <Stack gap="xs">
        <Title order={2}>{t('asOf.title')}</Title>
        <Text size="sm" c="dimmed">
          {t('asOf.text')}
        </Text>
        <Slider
          min={0}
          max={last}
          step={1}
          value={index}
          onChange={(position) => onChange(position >= last ? null : (entries[position]?.occurred_at ?? null))}
          label={null}
          marks={entries.map((_, value) => ({ value }))}
          thumbLabel={t('asOf.thumb')}
          thumbProps={{ 'aria-valuetext': word(index) }}
        />
        <Text size="sm" className="wrap">
          {word(index)}
        </Text>
      </Stack>
    </section>
  )
}
