// SPDX-License-Identifier: Apache-2.0
export interface DiffLine {
  number: number
  kind: 'added' | 'removed' | 'context' | 'place' | 'note'
  text: string
}

const KINDS = { '+': 'added', '-': 'removed', ' ': 'context', '\\': 'note' } as const

/** The lines of a unified diff behind its two lines of file names. */
export function diffLines(diff: string): DiffLine[] {
  const lines = diff.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.slice(2).map((text, index) => ({
    number: index,
    kind: text.startsWith('@@') ? 'place' : (KINDS[text[0] as keyof typeof KINDS] ?? 'context'),
    text: text.endsWith('\r') ? text.slice(0, -1) : text,
  }))
}
