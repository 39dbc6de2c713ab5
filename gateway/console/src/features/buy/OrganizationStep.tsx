// SPDX-License-Identifier: Apache-2.0
import { NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { countries } from '@/ui/countries'
import type { OrderValues } from './fields'

/** The organization that stands in an OV or EV certificate, filled in from the account. */
export function OrganizationStep({ form }: { form: UseFormReturnType<OrderValues> }) {
  const { t } = useTranslation(['buy', 'sign-up'])
  return (
    <Stack>
      <Text size="sm">{t('requiredNote')}</Text>
      <div className="two-columns">
        <TextInput label={t('organization')} withAsterisk {...form.getInputProps('organization.name')} />
        <TextInput label={t('registration')} {...form.getInputProps('organization.registration_number')} />
        <TextInput label={t('locality')} {...form.getInputProps('organization.locality')} />
        <TextInput label={t('state')} {...form.getInputProps('organization.state')} />
        <NativeSelect
          label={t('country')}
          withAsterisk
          data={countries(t('sign-up:selectCountry'))}
          {...form.getInputProps('organization.country')}
        />
      </div>
    </Stack>
  )
}
