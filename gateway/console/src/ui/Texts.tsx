// SPDX-License-Identifier: Apache-2.0
// Small pieces of text that must look the same everywhere: moments, names, money, words to copy.
import { ActionIcon, Code, CopyButton, Group, Text, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { fromNow, moment, stamp, unicodeName, utc } from './format'

interface MomentProps {
  at: string | null | undefined
  precision?: 'day' | 'minute' | 'second' | 'stamp'
  relative?: boolean
}

/** A moment in the reader's zone, UTC in its title; a dash for none. */
export function Moment({ at, precision = 'minute', relative = false }: MomentProps) {
  if (!at) return <span>–</span>
  return (
    <time dateTime={at} title={utc(at)} className={precision === 'stamp' ? 'stamp' : undefined}>
      {relative ? fromNow(at) : precision === 'stamp' ? stamp(at) : moment(at, precision)}
    </time>
  )
}

/** An FQDN; one in punycode shows its Unicode form too. */
export function Fqdn({ name, strong = false }: { name: string; strong?: boolean }) {
  const unicode = unicodeName(name)
  return (
    <span className="wrap" style={strong ? { fontWeight: 600 } : undefined}>
      <bdi>{unicode ?? name}</bdi>
      {unicode && (
        <Text span size="xs" c="dimmed" display="block">
          {name}
        </Text>
      )}
    </span>
  )
}

/** The first names and "+ n"; all of them on hover and focus. */
export function Names({ names, first = 1 }: { names: readonly string[]; first?: number }) {
  const { t } = useTranslation('ui')
  const rest = names.slice(first)
  return (
    <span>
      {names.slice(0, first).map((name) => (
        <Fqdn key={name} name={name} strong />
      ))}
      {rest.length > 0 && (
        <Tooltip
          label={names.map((name) => unicodeName(name) ?? name).join('\n')}
          multiline
          style={{ whiteSpace: 'pre' }}
        >
          <Text span size="xs" c="dimmed" tabIndex={0}>
            {` … ${t('more', { count: rest.length })}`}
          </Text>
        </Tooltip>
      )}
    </span>
  )
}

/** A button that copies `text`, with `what` in its name. */
export function Copy({ text, what }: { text: string; what: string }) {
  const { t } = useTranslation('ui')
  return (
    <CopyButton value={text} timeout={2000}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t('copied') : t('copy', { what })}>
          <ActionIcon variant="subtle" color="gray" size="md" onClick={copy} aria-label={t('copy', { what })}>
            {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}

/** A labelled value to be copied: a hash, a record, a path. */
export function CopyLine({ label, text }: { label: string; text: string }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Group gap={4} wrap="nowrap" align="flex-start">
        <Code block style={{ flex: 1, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {text}
        </Code>
        <Copy text={text} what={label} />
      </Group>
    </div>
  )
}

/** A list of terms and values; values that are empty are left out. */
export function Facts({ facts }: { facts: readonly (readonly [string, React.ReactNode])[] }) {
  return (
    <dl className="facts">
      {facts
        .filter(([, value]) => value !== '' && value !== null && value !== undefined)
        .map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd className="wrap">{value}</dd>
          </div>
        ))}
    </dl>
  )
}
