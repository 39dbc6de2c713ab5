// SPDX-License-Identifier: Apache-2.0
// A unified diff, line by line: what comes and goes has its sign, its element and its colour. It scrolls by itself, so that
// a long line does not make the page wide.
import { Group, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Copy } from '@/ui/Texts'
import { type DiffLine, diffLines } from './diffLines'

const ELEMENTS = { added: 'ins', removed: 'del', context: 'span', place: 'span', note: 'span' } as const

export function Diff({ path, text }: { path: string; text: string }) {
  const { t } = useTranslation('install')
  return (
    <div className="diff">
      <Group justify="flex-end" className="diff-copy">
        <Copy text={text} what={t('diffOf', { path })} />
      </Group>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section className="diff-lines" tabIndex={0} aria-label={t('diffOf', { path })}>
        <code>
          {diffLines(text).map((line) => (
            <Line key={line.number} line={line} />
          ))}
        </code>
      </section>
    </div>
  )
}

function Line({ line }: { line: DiffLine }) {
  const { t } = useTranslation('install')
  const Element = ELEMENTS[line.kind]
  const said = line.kind === 'added' || line.kind === 'removed' ? t(`line.${line.kind}`) : ''
  return (
    <Element className={`diff-line diff-${line.kind}`}>
      {said && <span className="diff-said">{said}</span>}
      {line.text}
      {'\n'}
    </Element>
  )
}

/** How many lines come and go, in words. */
export function DiffCount({ added, removed }: { added: number; removed: number }) {
  const { t } = useTranslation('install')
  return (
    <Text span size="sm" c="dimmed">
      {t('linesAdded', { count: added })}, {t('linesRemoved', { count: removed })}
    </Text>
  )
}
