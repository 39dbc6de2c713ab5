// SPDX-License-Identifier: Apache-2.0
import { NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { countries } from '@/ui/countries'
import { type DetailsField, OF_THE_ACCOUNT, required } from './account'
import type { OrderValues } from './fields'

const FIELDS: readonly DetailsField[] = [
  'email',
  'name',
  'unit',
  'address1',
  'address2',
  'address3',
  'po_box',
  'locality',
  'country',
  'state',
  'postal_code',
]
const EXTENDED: readonly DetailsField[] = ['registration_number', 'jurisdiction_country']
// Fields of one row stand on one line, whatever is said about them.
const BELOW: ('label' | 'input' | 'description' | 'error')[] = ['label', 'input', 'description', 'error']
const AUTOFILL: Partial<Record<DetailsField, string>> = {
  email: 'email',
  name: 'organization',
  address1: 'address-line1',
  address2: 'address-line2',
  address3: 'address-line3',
  locality: 'address-level2',
  country: 'country',
  state: 'address-level1',
  postal_code: 'postal-code',
}

interface OrganizationStepProps {
  form: UseFormReturnType<OrderValues>
  level: string
  mayChangeAccount: boolean
}

/** Who orders, filled in from the account; for OV and EV also what stands in the certificate. */
export function OrganizationStep({ form, level, mayChangeAccount }: OrganizationStepProps) {
  const { t } = useTranslation(['buy', 'sign-up'])
  const asked = required(level, mayChangeAccount)
  return (
    <Stack>
      <Text size="sm">
        {t('requiredNote')} {t(`detailsNote.${level === 'OV' || level === 'EV' ? level : 'DV'}`)}
      </Text>
      <div className="two-columns">
        {(level === 'EV' ? [...FIELDS, ...EXTENDED] : FIELDS).map((field) => {
          const locked = OF_THE_ACCOUNT.includes(field) && !mayChangeAccount
          const shared = {
            label: t(`details.${field}`),
            withAsterisk: asked.includes(field),
            description: locked ? t('ofTheAccount') : field === 'unit' ? t('unitNote') : undefined,
            inputWrapperOrder: BELOW,
            disabled: locked,
            autoComplete: AUTOFILL[field] ?? 'off',
            ...form.getInputProps(`organization.${field}`),
          }
          if (field === 'country' || field === 'jurisdiction_country') {
            const first = field === 'country' ? t('sign-up:selectCountry') : t('sameCountry')
            return <NativeSelect key={field} data={countries(first)} {...shared} />
          }
          return <TextInput key={field} type={field === 'email' ? 'email' : 'text'} {...shared} />
        })}
      </div>
    </Stack>
  )
}
