// SPDX-License-Identifier: Apache-2.0
// Bars, a chunk of its own: the library of charts is loaded only where one is drawn. SVG, no animation and no tooltip in
// HTML, so that nothing needs an inline style that the content-security policy forbids.
import { useComputedColorScheme } from '@mantine/core'
import { BarChart, type BarSeriesOption } from 'echarts/charts'
import { GridComponent, type GridComponentOption } from 'echarts/components'
import { type ComposeOption, type ECharts, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'

use([BarChart, GridComponent, SVGRenderer])
type Option = ComposeOption<BarSeriesOption | GridComponentOption>

export interface Series {
  /** The custom property that holds its colour, such as `--cw-own`. */
  color: string
  values: readonly number[]
}

interface BarsProps {
  /** What stands below each group of bars. */
  groups: readonly string[]
  series: readonly Series[]
  /** On top of each other instead of side by side, without their numbers. */
  stacked?: boolean
  label: string
  onChoose?: (group: number, series: number) => void
}

export default function Bars({ groups, series, stacked = false, label, onChoose }: BarsProps) {
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false })
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<ECharts>(null)
  const choose = useRef(onChoose)
  choose.current = onChoose

  useEffect(() => {
    if (!place.current) return
    const made = init(place.current, null, { renderer: 'svg' })
    chart.current = made
    made.on('click', ({ seriesIndex, dataIndex }) => choose.current?.(dataIndex, seriesIndex ?? 0))
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
      grid: { top: 18, right: 4, bottom: 22, left: stacked ? 34 : 4, outerBoundsMode: 'none' },
      xAxis: {
        type: 'category',
        data: [...groups],
        axisTick: { show: false },
        axisLine: { lineStyle: { color: line } },
        axisLabel: text,
      },
      yAxis: {
        type: 'value',
        minInterval: 1,
        axisLabel: { show: stacked, ...text },
        splitLine: { lineStyle: { color: line } },
      },
      series: series.map(({ color, values }) => ({
        type: 'bar',
        ...(stacked && { stack: 'all' }),
        cursor: onChoose ? 'pointer' : 'default',
        data: [...values],
        barMaxWidth: 26,
        barGap: '12%',
        itemStyle: { color: style.getPropertyValue(color), borderRadius: stacked ? 0 : [2, 2, 0, 0] },
        emphasis: { disabled: true },
        label: {
          show: !stacked,
          position: 'top',
          ...text,
          formatter: ({ value }) => (value ? String(value) : ''),
        },
      })),
    }
    chart.current?.setOption(option, true)
  }, [groups, series, stacked, scheme])

  return <div ref={place} className="bars" role="img" aria-label={label} />
}
