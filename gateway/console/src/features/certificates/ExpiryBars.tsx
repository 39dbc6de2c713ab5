// SPDX-License-Identifier: Apache-2.0
// The bars themselves, a chunk of its own: the library of charts is loaded only where one is drawn. SVG, no animation and
// no tooltip in HTML, so that nothing needs an inline style that the content-security policy forbids.
import { useComputedColorScheme } from '@mantine/core'
import { BarChart, type BarSeriesOption } from 'echarts/charts'
import { GridComponent, type GridComponentOption } from 'echarts/components'
import { type ComposeOption, type ECharts, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { KINDS, type Kind } from './kind'

use([BarChart, GridComponent, SVGRenderer])
type Option = ComposeOption<BarSeriesOption | GridComponentOption>

interface ExpiryBarsProps {
  counts: readonly Schemas['ExpiringCount'][]
  label: string
  onChoose: (days: number, kind: Kind) => void
}

export default function ExpiryBars({ counts, label, onChoose }: ExpiryBarsProps) {
  const { t } = useTranslation('certificates')
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false })
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<ECharts>(null)
  const latest = useRef({ counts, onChoose })
  latest.current = { counts, onChoose }

  useEffect(() => {
    if (!place.current) return
    const made = init(place.current, null, { renderer: 'svg' })
    chart.current = made
    made.on('click', ({ seriesIndex, dataIndex }) => {
      const kind = KINDS[seriesIndex ?? 0]
      const days = latest.current.counts[dataIndex]?.days
      if (kind && days) latest.current.onChoose(days, kind)
    })
    const size = new ResizeObserver(() => made.resize())
    size.observe(place.current)
    return () => {
      size.disconnect()
      made.dispose()
    }
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: another scheme has other colours
  useEffect(() => {
    if (!place.current) return
    const style = getComputedStyle(place.current)
    const text = { color: style.getPropertyValue('--mantine-color-dimmed'), fontFamily: style.fontFamily, fontSize: 12 }
    const line = style.getPropertyValue('--cw-line')
    const option: Option = {
      animation: false,
      grid: { top: 18, right: 4, bottom: 22, left: 4, outerBoundsMode: 'none' },
      xAxis: {
        type: 'category',
        data: counts.map((one) => t('withinShort', { count: one.days })),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: line } },
        axisLabel: text,
      },
      yAxis: { type: 'value', minInterval: 1, axisLabel: { show: false }, splitLine: { lineStyle: { color: line } } },
      series: KINDS.map((kind) => ({
        type: 'bar',
        data: counts.map((one) => one[kind]),
        barMaxWidth: 26,
        barGap: '12%',
        itemStyle: { color: style.getPropertyValue(`--cw-${kind.replace('_', '-')}`), borderRadius: [2, 2, 0, 0] },
        emphasis: { disabled: true },
        label: {
          show: true,
          position: 'top',
          ...text,
          formatter: ({ value }) => (value ? String(value) : ''),
        },
      })),
    }
    chart.current?.setOption(option, true)
  }, [counts, scheme, t])

  return <div ref={place} className="expiry-bars" role="img" aria-label={label} />
}
