// SPDX-License-Identifier: Apache-2.0
// What the first pages say: sign-in and orders.
import { byNamespace } from './words'

export const words = byNamespace(
  import.meta.glob(['../{app,ui}/de.json', '../features/{orders,sign-in}/de.json'], {
    eager: true,
    import: 'default',
  }),
)
