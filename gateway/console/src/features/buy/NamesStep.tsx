// SPDX-License-Identifier: Apache-2.0
import { Radio, Stack, Text, Textarea, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { type Schemas, useApi } from '@/api/client'
import type { Problem } from '@/api/problem'
import { Preflight } from '@/features/preflight/Preflight'
import { reasonOf } from '@/sentences/say'
import { day } from '@/ui/format'
import { ProblemAlert } from '@/ui/Says'
import type { OrderValues } from './fields'

const METHODS = ['http_csr_hash', 'https_csr_hash', 'cname_csr_hash', 'txt_csr_hash', 'dns_persist', 'email']

interface NamesStepProps {
  product: Schemas['Product'] | undefined
  form: UseFormReturnType<OrderValues>
  problem: Problem | null
  names: readonly string[]
}

/** The names and how they will be proved. What the price list refuses is told at its field. */
export function NamesStep({ product, form, problem, names }: NamesStepProps) {
  const { t } = useTranslation(['buy', 'validation', 'sentences'])
  const pointer = problem?.errors[0]?.pointer ?? ''
  const index = Number(/^\/names\/(\d+)$/.exec(pointer)?.[1] ?? -1)
  const first = problem && (index === 0 || (index < 0 && !form.values.more.trim()) || !pointer.startsWith('/names'))
  const rules = useApi('/api/v1/rules', {}, { staleTime: 3_600_000 })
  const ends = rules.data?.methods.find((each) => each.name === 'email')?.ends
  const wildcard = names.some((name) => name.startsWith('*.'))
  return (
    <Stack>
      <TextInput
        label={t('commonName')}
        withAsterisk
        autoComplete="off"
        spellCheck={false}
        placeholder={product?.form === 'wildcard' ? '*.example.com' : 'www.example.com'}
        {...form.getInputProps('common_name')}
        error={form.errors.common_name ?? (names.length > 0 && first ? reasonOf(problem) : undefined)}
      />
      {product?.form !== 'single' && (
        <Textarea
          label={t('domainList')}
          description={t('domainListHint')}
          rows={4}
          spellCheck={false}
          {...form.getInputProps('more')}
          error={problem && !first ? reasonOf(problem) : undefined}
        />
      )}
      <Radio.Group label={t('method')} {...form.getInputProps('dcv_method')}>
        <Stack gap={6} mt={4}>
          {METHODS.map((method) => (
            <Radio
              key={method}
              value={method}
              label={t(`validation:method.${method}`)}
              description={method === 'email' && ends ? t('hint.emailEnds', { day: day(ends) }) : t(`hint.${method}`)}
              disabled={wildcard && method.startsWith('http')}
            />
          ))}
        </Stack>
      </Radio.Group>
      {wildcard && <Text size="sm">{t('wildcardNote')}</Text>}
      <Preflight names={names} method={form.values.dcv_method} />
      {problem && !pointer && <ProblemAlert problem={problem} />}
    </Stack>
  )
}
