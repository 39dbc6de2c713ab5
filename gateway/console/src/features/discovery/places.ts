// SPDX-License-Identifier: Apache-2.0
// What is typed into the form of a scan, as the API takes it.

/** Words of a field: separated by commas, spaces or lines. */
export function wordsOf(text: string): string[] {
  return text.split(/[\s,;]+/).filter((word) => word !== '')
}

/** The guide's two boxes: an address, network or range, and a mask that belongs to an address. */
export function targetsOf(range: string, mask: string): string[] {
  const places = wordsOf(range.replace(/\s*-\s*/g, '-'))
  const plain = mask.trim().replace(/^\//, '')
  return plain === '' ? places : places.map((one) => (/[/-]/.test(one) ? one : `${one}/${plain}`))
}

/** The ports; what is none stays in, so that the API says where it stands. */
export function portsOf(text: string): number[] {
  return wordsOf(text).map((word) => (/^\d{1,5}$/.test(word) ? Number(word) : 0))
}
