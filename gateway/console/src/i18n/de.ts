// SPDX-License-Identifier: Apache-2.0
import { byNamespace } from './words'

export const words = byNamespace(
  import.meta.glob(['../{app,ui}/de.json', '../features/{orders,sign-in}/de.json'], { eager: true, import: 'default' }),
)
