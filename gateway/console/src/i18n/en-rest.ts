// SPDX-License-Identifier: Apache-2.0
import { byNamespace } from './words'

export const words = byNamespace(
  import.meta.glob(['../sentences/en.json', '../features/*/en.json', '!../features/{orders,sign-in}/en.json'], {
    eager: true,
    import: 'default',
  }),
)
