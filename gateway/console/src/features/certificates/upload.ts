// SPDX-License-Identifier: Apache-2.0

/** What a file holds, as the API takes it: PEM as it is, anything else as base64. */
export function contentOf(bytes: Uint8Array): string {
  const text = new TextDecoder('latin1').decode(bytes)
  if (text.includes('-----BEGIN')) return text
  // Base64 that was saved as a file is text already.
  if (/^[A-Za-z0-9+/=\s]+$/.test(text)) return text
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}
