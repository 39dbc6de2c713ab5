// SPDX-License-Identifier: Apache-2.0
// What the step "Account details" asks, where each field comes from in the account, and what goes back there.
import type { Schemas } from '@/api/client'

type Account = Schemas['AccountView']

export const EMPTY_DETAILS = {
  email: '',
  name: '',
  unit: '',
  address1: '',
  address2: '',
  address3: '',
  po_box: '',
  locality: '',
  country: '',
  state: '',
  postal_code: '',
  registration_number: '',
  jurisdiction_country: '',
}
export type Details = typeof EMPTY_DETAILS
export type DetailsField = keyof Details

const COMPANY = {
  name: 'name',
  unit: 'department',
  address1: 'address1',
  address2: 'address2',
  address3: 'address3',
  po_box: 'po_box',
  locality: 'city',
  country: 'country',
  state: 'state',
  postal_code: 'postcode',
  registration_number: 'company_number',
} as const satisfies Partial<Record<DetailsField, keyof Schemas['Company']>>
type CompanyDetail = keyof typeof COMPANY
const FIELDS = Object.keys(COMPANY) as CompanyDetail[]

/** They never leave the account: no certificate and no order holds them. */
export const OF_THE_ACCOUNT: readonly DetailsField[] = ['email', 'unit']
const REQUIRED: readonly DetailsField[] = [
  'email',
  'name',
  'unit',
  'address1',
  'locality',
  'country',
  'state',
  'postal_code',
]

/** What has to be there. Only administrators of the account can fill in what is kept there. */
export function required(level: string, mayChangeAccount: boolean): readonly DetailsField[] {
  const asked: readonly DetailsField[] = level === 'EV' ? [...REQUIRED, 'registration_number'] : REQUIRED
  return asked.filter((field) => mayChangeAccount || !OF_THE_ACCOUNT.includes(field))
}

/** The fields as the account knows them. */
export function detailsOf({ company, contact }: Account): Details {
  const known = Object.fromEntries(FIELDS.map((field) => [field, company[COMPANY[field]] ?? '']))
  return { ...EMPTY_DETAILS, ...known, email: contact.email }
}

/** Whether the account knows everything that a DV order needs. */
export function complete(account: Account): boolean {
  const known = detailsOf(account)
  return REQUIRED.every((field) => known[field].trim() !== '')
}

/**
 * What the account does not know yet, as its own request; null when there is nothing. An OV or EV order may be for
 * another organization than the account's, so there only what belongs to the account alone is kept.
 */
export function changesOf(details: Details, account: Account, level: string): Schemas['UpdateAccount'] | null {
  const before = detailsOf(account)
  const kept = level === 'DV' ? FIELDS : FIELDS.filter((field) => OF_THE_ACCOUNT.includes(field))
  const changed = kept.filter((field) => details[field] !== before[field])
  const mailed = details.email !== before.email
  if (changed.length === 0 && !mailed) return null
  return {
    company: { ...account.company, ...Object.fromEntries(changed.map((field) => [COMPANY[field], details[field]])) },
    contact: { ...account.contact, email: details.email },
  }
}

/** Where a pointer of the account's request stands in this step. */
export function fieldOfAccount(pointer: string): `organization.${DetailsField}` | null {
  if (pointer === '/contact/email') return 'organization.email'
  const field = FIELDS.find((each) => pointer === `/company/${COMPANY[each]}`)
  return field ? `organization.${field}` : null
}

/** The organization of an OV or EV order: without what belongs to the account alone. */
export function organizationOf({ email: _email, unit: _unit, ...organization }: Details): Schemas['Organization'] {
  return organization
}
