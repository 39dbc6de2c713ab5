// SPDX-License-Identifier: Apache-2.0
// The letter, and the rule that set it: a grade without its reason teaches nothing.
import { Group, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { verdictOf } from './verdict'

export function Grade({ check }: { check: Schemas['CheckView'] }) {
  const { t } = useTranslation('tools')
  const grading = verdictOf(check)?.grading
  if (!grading || check.depth === 'basic') return null
  return (
    <Group gap="sm" wrap="nowrap" className="grade">
      {check.grade && (
        <Text fz={40} fw={700} lh={1} role="img" aria-label={t('gradeIs', { grade: check.grade })}>
          {check.grade}
        </Text>
      )}
      <Text size="sm" c="dimmed" maw={260}>
        {t(`rule.${grading.rule}`, { defaultValue: grading.words, score: grading.score })}
      </Text>
    </Group>
  )
}
