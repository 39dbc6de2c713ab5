// SPDX-License-Identifier: Apache-2.0
import { Button, Checkbox, Group, Modal, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '@/api/client'
import { useProvider } from '@/app/useProvider'
import { useApiForm } from '@/ui/form'
import { ProblemAlert } from '@/ui/Says'
import { Given } from './Given'
import { temporaryPassword } from './temporaryPassword'
import type { User } from './UsersPage'

/** A temporary password for somebody who has forgotten theirs, or must not get in by it any more. */
export function GivePassword({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useTranslation(['users', 'ui'])
  const provider = useProvider()
  const [password] = useState(temporaryPassword)
  const [given, setGiven] = useState(false)
  const reset = useCommand('post', '/api/v1/users/{user_id}/password', ['/api/v1/users'])
  const { form, problem, sending, submit } = useApiForm({
    initial: { remove_second_step: false },
    send: async ({ remove_second_step }) => {
      await reset.mutateAsync({ path: { user_id: user.user_id }, body: { password, remove_second_step } })
      setGiven(true)
    },
  })
  return (
    <Modal opened onClose={onClose} title={t('password.of', { login: user.login })} closeOnClickOutside={!given}>
      {given ? (
        <Given login={user.login} password={password} onClose={onClose} />
      ) : (
        <form onSubmit={(event) => void submit(event)} noValidate>
          <Stack>
            {problem && <ProblemAlert problem={problem} />}
            <Text>{t('password.text')}</Text>
            {(user.totp || user.passkeys > 0 || provider) && (
              <Checkbox
                label={t('password.second')}
                {...form.getInputProps('remove_second_step', { type: 'checkbox' })}
              />
            )}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {t('ui:cancel')}
              </Button>
              <Button type="submit" loading={sending} color="vermilion">
                {t('password.verb')}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  )
}
