// SPDX-License-Identifier: Apache-2.0
// Which certificates, what that would do, and why: nothing is replaced before all three are there.
import { Alert, Checkbox, NativeSelect, Radio, Stack, Text, Textarea } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { queryClient, type Schemas, send } from '@/api/client'
import { useSession } from '@/app/session'
import { FormDialog } from '@/ui/FormDialog'
import { useApiForm } from '@/ui/form'
import { Loading, ProblemAlert } from '@/ui/Says'

const WAYS = ['issuer', 'key_type', 'serials', 'everything'] as const
type Preview = Schemas['ReplacementPreview']
type Values = {
  by: string
  issuer: string
  key_type: string
  serials: string
  reason: string
  exercise: boolean
}
const MOST_NAMED = 5

function selectionOf(values: Values) {
  const { by } = values
  return {
    issuer: by === 'issuer' ? values.issuer : '',
    key_type: by === 'key_type' ? values.key_type : '',
    serials: by === 'serials' ? values.serials.split(/[\s,;]+/).filter(Boolean) : [],
    everything: by === 'everything',
  }
}

function usePreview(selection: ReturnType<typeof selectionOf>) {
  return useQuery({
    queryKey: ['replacements-preview', selection],
    queryFn: () => send('post', '/api/v1/replacement-previews', { body: selection }),
    placeholderData: (before) => before,
  })
}

interface Props {
  onStarted: (replacementId: string) => void
  onClose: () => void
}

export function StartDialog({ onStarted, onClose }: Props) {
  const { t } = useTranslation(['replacements', 'ui'])
  const { customer } = useSession()
  const { form, problem, sending, submit } = useApiForm<Values>({
    initial: { by: '', issuer: '', key_type: '', serials: '', reason: '', exercise: false },
    check: {
      by: (text: string) => (text ? null : t('ui:missing')),
      reason: (text: string) => (text.trim() ? null : t('ui:missing')),
    } as never,
    places: { '/everything': 'by' },
    send: async (values) => {
      const body = { ...selectionOf(values), reason: values.reason.trim(), exercise: values.exercise }
      const path = customer ? '/api/v1/replacements' : '/api/v1/operator/replacements'
      const made = await send('post', path, { body })
      await queryClient.invalidateQueries({ queryKey: ['/api/v1/replacements'] })
      onStarted(made.replacement_id)
    },
  })
  const [selection] = useDebouncedValue(selectionOf(form.values), 300)
  const found = usePreview(selection)
  const choices = (rows: Preview['issuers']) => [
    { value: '', label: '–' },
    ...rows.map((row) => ({
      value: row.value,
      label: t('start.choice', { value: row.value, count: row.certificates }),
    })),
  ]
  const chosen = selection.issuer || selection.key_type || selection.serials.length > 0 || selection.everything
  return (
    <FormDialog
      title={t('start.title')}
      form={{ problem, sending, submit }}
      verb={t('start.verb')}
      dangerous={!form.values.exercise}
      size="lg"
      onClose={onClose}
    >
      <Radio.Group label={t('start.by')} withAsterisk {...form.getInputProps('by')}>
        <Stack gap={6} mt={6}>
          {WAYS.map((way) => (
            <Radio key={way} value={way} label={t(`start.${way}`)} />
          ))}
        </Stack>
      </Radio.Group>
      {form.values.by === 'issuer' && (
        <NativeSelect
          label={t('start.issuerLabel')}
          data={choices(found.data?.issuers ?? [])}
          {...form.getInputProps('issuer')}
        />
      )}
      {form.values.by === 'key_type' && (
        <NativeSelect
          label={t('start.keyTypeLabel')}
          data={choices(found.data?.key_types ?? [])}
          {...form.getInputProps('key_type')}
        />
      )}
      {form.values.by === 'serials' && (
        <Textarea
          label={t('start.serialsLabel')}
          description={t('start.serialsHint')}
          autosize
          minRows={3}
          maxRows={8}
          spellCheck={false}
          {...form.getInputProps('serials')}
        />
      )}
      {found.error ? (
        <ProblemAlert problem={found.error} />
      ) : chosen ? (
        <Foreseen found={found.data} />
      ) : (
        <Text size="sm" c="dimmed">
          {t('start.nothing')}
        </Text>
      )}
      <Textarea
        label={t('start.reason')}
        description={t('start.reasonHint')}
        withAsterisk
        autosize
        minRows={2}
        {...form.getInputProps('reason')}
      />
      <Checkbox
        label={t('start.exercise')}
        description={t('start.exerciseHint')}
        {...form.getInputProps('exercise', { type: 'checkbox' })}
      />
    </FormDialog>
  )
}

/** How many certificates and sites, who makes the keys, and what cannot be replaced. */
function Foreseen({ found }: { found: Preview | undefined }) {
  const { t } = useTranslation('replacements')
  if (!found) return <Loading />
  const { orders, sites, servers, by_way, left_out, left_out_total } = found
  return (
    <Alert variant="light" color={orders > 0 ? 'ink' : 'ochre'} role="status">
      {orders > 0 ? (
        <Text size="sm">
          {t('start.hits', { count: orders, sites, servers })} {t('ways', by_way)}
        </Text>
      ) : (
        <Text size="sm">{t('start.none')}</Text>
      )}
      {left_out_total > 0 && (
        <>
          <Text size="sm" mt="xs">
            {t('start.leftOut', { count: left_out_total })}
          </Text>
          <ul className="plain-list">
            {left_out.slice(0, MOST_NAMED).map((one) => (
              <li key={one.serial} className="wrap">
                <code>{one.number || one.serial}</code> {t(`obstacle.${one.obstacle}`)}
              </li>
            ))}
          </ul>
          {left_out_total > MOST_NAMED && (
            <Text size="sm">{t('start.more', { count: left_out_total - MOST_NAMED })}</Text>
          )}
        </>
      )}
    </Alert>
  )
}
