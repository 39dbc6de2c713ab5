// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import type { Schemas } from '@/api/client'
import { changesOf, complete, detailsOf, fieldOfAccount, organizationOf, required } from './account'

const company = {
  name: 'Blumen',
  department: '',
  address1: 'Gartenstrasse 7',
  address2: '',
  address3: '',
  postcode: '10115',
  country: 'DE',
  state: 'Berlin',
  city: 'Berlin',
  po_box: '',
  company_number: '',
  duns_number: '123456789',
}
const contact = { title: '', first_name: 'N', last_name: 'W', email: 'n@example.com', telephone: '+491', fax: '' }
const account = { company, contact } as Schemas['AccountView']
const withUnit = { company: { ...company, department: 'IT' }, contact } as Schemas['AccountView']

test('An account is complete when nothing of what is required is blank', () => {
  expect(complete(account)).toBe(false)
  expect(complete(withUnit)).toBe(true)
})

test('A DV order keeps all changes in the account, others only what is of the account alone', () => {
  const details = { ...detailsOf(account), unit: 'IT', name: 'Blumen <b>AG</b>' }
  expect(changesOf(details, account, 'DV')?.company).toEqual({ ...company, department: 'IT', name: 'Blumen <b>AG</b>' })
  expect(changesOf(details, account, 'OV')?.company).toEqual({ ...company, department: 'IT' })
  expect(changesOf(detailsOf(account), account, 'DV')).toBeNull()
})

test('The unit and the address of the contact never come into an order', () => {
  const organization = organizationOf({ ...detailsOf(withUnit), unit: 'IT' })
  expect(Object.keys(organization)).not.toContain('unit')
  expect(Object.keys(organization)).not.toContain('email')
})

test('EV asks more, and what only administrators may change is asked of them alone', () => {
  expect(required('EV', true)).toContain('registration_number')
  expect(required('OV', false)).not.toContain('unit')
})

test('Refusals of the account find their field', () => {
  expect(fieldOfAccount('/company/department')).toBe('organization.unit')
  expect(fieldOfAccount('/company/postcode')).toBe('organization.postal_code')
  expect(fieldOfAccount('/contact/email')).toBe('organization.email')
  expect(fieldOfAccount('/company/duns_number')).toBeNull()
})
