// SPDX-License-Identifier: Apache-2.0
import { Button, Stack, Text, Title } from '@mantine/core'
import { IconMapQuestion } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link, useRouteError } from 'react-router'
import { Empty } from '@/ui/Says'

/** A page that broke: its code could not be loaded, or it met something unforeseen. */
export function Failed() {
  const { t } = useTranslation('app')
  const error = useRouteError()
  return (
    <Stack p="lg" align="flex-start" maw={560} role="alert">
      <Title order={1}>{t('failed.title')}</Title>
      <Text>{t('failed.text')}</Text>
      <Text size="sm" c="dimmed" className="wrap">
        {error instanceof Error ? error.message : String(error)}
      </Text>
      <Button onClick={() => window.location.reload()}>{t('failed.reload')}</Button>
    </Stack>
  )
}

export function NotFound() {
  const { t } = useTranslation('app')
  return (
    <Empty order={1} icon={IconMapQuestion} title={t('notFound.title')} text={t('notFound.text')}>
      <Button component={Link} to="/" variant="default">
        {t('notFound.back')}
      </Button>
    </Empty>
  )
}
