// SPDX-License-Identifier: Apache-2.0
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'

export function Grade({ check }: { check: Schemas['CheckView'] }) {
  const { t } = useTranslation('tools')
  if (!check.grade) return null
  return (
    <Text fz={40} fw={700} lh={1} aria-label={t('gradeIs', { grade: check.grade })} className="grade">
      {check.grade}
    </Text>
  )
}
