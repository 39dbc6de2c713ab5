// SPDX-License-Identifier: Apache-2.0
export type Words = Record<string, Record<string, unknown>>

/** Texts by namespace, from `{path: texts}`: the namespace is the folder's name. */
export function byNamespace(files: Record<string, unknown>): Words {
  return Object.fromEntries(
    Object.entries(files).map(([path, texts]) => [path.split('/').at(-2) ?? '', texts as Record<string, unknown>]),
  )
}
