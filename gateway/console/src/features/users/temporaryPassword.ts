// SPDX-License-Identifier: Apache-2.0
// A password to be read out or copied once: no letters that look alike, and by the rule of the guide (§1.1) always right.

const CLASSES = ['ABCDEFGHJKLMNPQRSTUVWXYZ', 'abcdefghijkmnpqrstuvwxyz', '23456789'] as const
const GROUPS = 4

/** Four groups of a capital, small letters and a digit each: over 80 bits. */
export function temporaryPassword(): string {
  return Array.from({ length: GROUPS }, () => shuffled([pick(0), pick(1), pick(1), pick(1), pick(2)]).join('')).join(
    '-',
  )
}

function pick(index: 0 | 1 | 2): string {
  return CLASSES[index].charAt(below(CLASSES[index].length))
}

function below(bound: number): number {
  // Values of the last, incomplete run would make the first characters likelier.
  const whole = Math.floor(2 ** 32 / bound) * bound
  for (;;) {
    const [value = 0] = crypto.getRandomValues(new Uint32Array(1))
    if (value < whole) return value % bound
  }
}

function shuffled(letters: string[]): string[] {
  for (let last = letters.length - 1; last > 0; last--) {
    const other = below(last + 1)
    ;[letters[last], letters[other]] = [letters[other] as string, letters[last] as string]
  }
  return letters
}
