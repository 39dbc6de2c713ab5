// SPDX-License-Identifier: Apache-2.0
import { NativeSelect, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { countries } from '@/ui/countries'
import { type CompanyField, type ContactField, REQUIRED_COMPANY, REQUIRED_CONTACT } from './fields'

type Inputs = (name: string) => object

interface CompanyFieldsProps {
  /** Such as `company` or `admin_address`. */
  below: string
  fields: readonly CompanyField[]
  inputs: Inputs
  required?: boolean
}

const AUTOFILL: Partial<Record<CompanyField, string>> = {
  name: 'organization',
  address1: 'address-line1',
  address2: 'address-line2',
  address3: 'address-line3',
  postcode: 'postal-code',
  state: 'address-level1',
  city: 'address-level2',
}

/** The fields of a company or an address. */
export function CompanyFields({ below, fields, inputs, required = true }: CompanyFieldsProps) {
  const { t } = useTranslation('sign-up')
  return (
    <div className="two-columns">
      {fields.map((field) => {
        const shared = {
          label: t(`company.${field}`),
          withAsterisk: required && REQUIRED_COMPANY.includes(field),
          ...inputs(`${below}.${field}`),
        }
        if (field === 'country') {
          return <NativeSelect key={field} autoComplete="country" data={countries(t('selectCountry'))} {...shared} />
        }
        return <TextInput key={field} autoComplete={AUTOFILL[field] ?? 'off'} {...shared} />
      })}
    </div>
  )
}

const CONTACT_AUTOFILL: Record<ContactField, string> = {
  title: 'honorific-prefix',
  first_name: 'given-name',
  last_name: 'family-name',
  email: 'email',
  telephone: 'tel',
  fax: 'off',
}

/** The fields of the contact person. */
export function ContactFields({ inputs }: { inputs: Inputs }) {
  const { t } = useTranslation('sign-up')
  const fields = Object.keys(CONTACT_AUTOFILL) as ContactField[]
  return (
    <div className="two-columns">
      {fields.map((field) => (
        <TextInput
          key={field}
          type={field === 'email' ? 'email' : 'text'}
          label={t(`contact.${field}`)}
          description={field === 'telephone' ? t('telephoneHint') : undefined}
          withAsterisk={REQUIRED_CONTACT.includes(field)}
          autoComplete={CONTACT_AUTOFILL[field]}
          {...inputs(`contact.${field}`)}
        />
      ))}
    </div>
  )
}
