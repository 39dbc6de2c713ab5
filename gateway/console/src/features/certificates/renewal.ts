// SPDX-License-Identifier: Apache-2.0

export interface Renewed {
  /** Of our own certificates; empty for those of others. */
  order_id: string
  common_name: string
}

/** Where the wizard continues: as a renewal of the certificate's order where the API allows one now, else by its name. */
export function renewalPath({ order_id, common_name }: Renewed, allowed: readonly string[]): string {
  return order_id && allowed.includes('renew')
    ? `/buy?renews=${order_id}`
    : `/buy?name=${encodeURIComponent(common_name)}`
}
