// SPDX-License-Identifier: Apache-2.0
// What a place says when it has nothing to show: that it is empty and what to do, that it failed and why, that it loads.
import { Alert, Button, Center, Code, Loader, Stack, Text, Title } from '@mantine/core'
import { IconAlertTriangle, type TablerIcon } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '@/api/problem'
import { currentLanguage } from '@/i18n'

interface EmptyProps {
  icon: TablerIcon
  title: string
  text: string
  children?: ReactNode
  /** 1 where it is the whole page. */
  order?: 1 | 2
}

/** Nothing here yet: what would stand here, and the first step to it. */
export function Empty({ icon: Icon, title, text, children, order = 2 }: EmptyProps) {
  return (
    <Center py="xl" px="md">
      <Stack align="center" gap="xs" maw={460}>
        <Icon size={34} stroke={1.3} aria-hidden className="empty-icon" />
        <Title order={order} size="h3" ta="center">
          {title}
        </Title>
        <Text c="dimmed" ta="center">
          {text}
        </Text>
        {children}
      </Stack>
    </Center>
  )
}

/** A problem in words: by its code where we know better, and the server's own sentence. */
export function ProblemAlert({ problem, again }: { problem: Error; again?: () => void }) {
  // English readers need none of the further texts, which come with the first page that is not the sign-in.
  const { t, i18n } = useTranslation(currentLanguage() === 'en' ? 'ui' : ['ui', 'sentences'])
  const known = problem instanceof Problem ? problem : null
  const code = known?.code ?? 'internal'
  const reason = known?.extra.reason ?? ''
  // The server's sentence is English and says it exactly; other readers get what its code means before it.
  const said =
    code === 'offline'
      ? t('problem.offlineText')
      : i18n.language !== 'en' && reason && i18n.exists(`sentences:code.${reason}`)
        ? t(`sentences:code.${reason}`)
        : i18n.language !== 'en' && known && i18n.exists(`sentences:problemText.${code}`)
          ? t(`sentences:problemText.${code}`)
          : problem.message
  return (
    <Alert
      role="alert"
      variant="light"
      color="vermilion"
      icon={<IconAlertTriangle size={18} aria-hidden />}
      title={i18n.exists(`ui:problem.${code}`) ? t(`problem.${code}`) : known?.title || t('problem.internal')}
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm" className="wrap">
          {said}
        </Text>
        {said !== problem.message && code !== 'offline' && (
          <Text size="xs" className="wrap" lang="en">
            {problem.message}
          </Text>
        )}
        {known?.traceId && known.status >= 500 && (
          <Text size="xs">
            {t('trace')} <Code>{known.traceId}</Code>
          </Text>
        )}
        {again && (
          <Button size="xs" variant="default" onClick={again}>
            {t('tryAgain')}
          </Button>
        )}
      </Stack>
    </Alert>
  )
}

export function Loading() {
  const { t } = useTranslation('ui')
  return (
    <Center py="xl" role="status" aria-label={t('loading')}>
      <Loader size="sm" type="dots" />
    </Center>
  )
}

interface AskedProps<T> {
  query: { data: T | undefined; error: Error | null; isPending: boolean; refetch: () => unknown }
  children: (data: T) => ReactNode
}

/** What a query found, or that it loads, or why not. What was there stays while it is asked again. */
export function Asked<T>({ query, children }: AskedProps<T>) {
  if (query.data !== undefined) return children(query.data)
  if (query.error) return <ProblemAlert problem={query.error} again={() => query.refetch()} />
  return <Loading />
}
