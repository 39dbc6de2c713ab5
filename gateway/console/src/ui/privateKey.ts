// SPDX-License-Identifier: Apache-2.0
// With its frame, or as the bare base64 of PKCS#1, PKCS#8 and SEC 1 (requests and certificates begin otherwise): as the
// server tells it.
const FRAMED_KEY = /PRIVATE\s+KEY/i
const BARE_KEY = /^\s*M[A-Za-z0-9+/]{1,5}(?:IBA[ADE]|AgEA|AgEB|AQEE)/

/** Whether a text holds a private key, which must not leave the page. */
export function holdsKey(text: string): boolean {
  return FRAMED_KEY.test(text) || BARE_KEY.test(text)
}
