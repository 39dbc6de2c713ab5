// SPDX-License-Identifier: Apache-2.0
import { byNamespace } from './words'

export const words = byNamespace(
  import.meta.glob(['../sentences/de.json', '../features/*/de.json', '!../features/{orders,sign-in}/de.json'], {
    eager: true,
    import: 'default',
  }),
)
