// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Stack, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useTranslation } from 'react-i18next'
import { queryClient, send } from '@/api/client'
import { PasswordFields } from '@/features/sign-up/PasswordFields'
import { useApiForm } from '@/ui/form'
import { PasswordField } from '@/ui/PasswordField'
import { ProblemAlert } from '@/ui/Says'

const NONE = { current_password: '', new_password: '', confirm: '' }

export function PasswordForm() {
  const { t } = useTranslation(['profile', 'sign-up', 'ui'])
  const { form, problem, sending, submit } = useApiForm({
    initial: NONE,
    check: {
      current_password: (text: string) => (text ? null : t('ui:missing')),
      new_password: (text: string) => (text ? null : t('ui:missing')),
      confirm: (text: string, values: typeof NONE) => (text === values.new_password ? null : t('sign-up:mismatch')),
    } as never,
    send: async ({ current_password, new_password }) => {
      await send('put', '/api/v1/me/password', { body: { current_password, new_password } })
      form.setValues(NONE)
      form.resetDirty(NONE)
      await queryClient.invalidateQueries({ queryKey: ['/api/v1/sessions'] })
      notifications.show({ message: t('password.done') })
    },
  })
  return (
    <section className="sheet" aria-label={t('password.title')}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Stack>
          <Title order={2}>{t('password.title')}</Title>
          {problem && <ProblemAlert problem={problem} />}
          <PasswordField
            label={t('password.current')}
            autoComplete="current-password"
            {...form.getInputProps('current_password')}
          />
          <PasswordFields
            label={t('password.new')}
            password={form.values.new_password}
            passwordProps={form.getInputProps('new_password')}
            confirmProps={form.getInputProps('confirm')}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={sending}>
              {t('password.change')}
            </Button>
          </Group>
        </Stack>
      </form>
    </section>
  )
}
