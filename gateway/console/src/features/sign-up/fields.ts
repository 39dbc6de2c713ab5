// SPDX-License-Identifier: Apache-2.0
// What the wizard asks, step by step, and which of it must be there.

export const EMPTY_COMPANY = {
  name: '',
  department: '',
  address1: '',
  address2: '',
  address3: '',
  postcode: '',
  country: '',
  state: '',
  city: '',
  po_box: '',
  company_number: '',
  duns_number: '',
}
export const EMPTY_CONTACT = { title: '', first_name: '', last_name: '', email: '', telephone: '', fax: '' }

export type CompanyValues = typeof EMPTY_COMPANY
export type CompanyField = keyof CompanyValues
export type ContactField = keyof typeof EMPTY_CONTACT

export const REQUIRED_COMPANY: readonly CompanyField[] = ['name', 'address1', 'postcode', 'country', 'state', 'city']
export const REQUIRED_CONTACT: readonly ContactField[] = ['title', 'first_name', 'last_name', 'email', 'telephone']
export const ADDRESS: readonly CompanyField[] = [
  'address1',
  'address2',
  'address3',
  'postcode',
  'country',
  'state',
  'city',
]
