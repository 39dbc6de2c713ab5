// SPDX-License-Identifier: Apache-2.0
// The browser's side of WebAuthn: what the gateway asks in base64url goes to the authenticator as bytes, and back.
import type { components } from './schema'

type Schemas = components['schemas']

/** The person said no, took too long, or the authenticator holds this account already. */
export class PasskeyRefused extends Error {
  readonly reason: 'cancelled' | 'known'

  constructor(reason: 'cancelled' | 'known') {
    super(reason)
    this.name = 'PasskeyRefused'
    this.reason = reason
  }
}

/** Whether this browser knows passkeys at all; it hides them on pages that it does not trust. */
export function browserHasPasskeys(): boolean {
  return 'PublicKeyCredential' in window && Boolean(navigator.credentials)
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(plain, (one) => one.charCodeAt(0))
}

export function textOf(bytes: ArrayBuffer): string {
  const plain = Array.from(new Uint8Array(bytes), (one) => String.fromCharCode(one)).join('')
  return btoa(plain).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}

function left(expiresAt: string): number {
  return Math.max(Date.parse(expiresAt) - Date.now(), 30_000)
}

async function asked<T>(doing: Promise<Credential | null>): Promise<T> {
  const found = await doing.catch((error: DOMException) => {
    throw new PasskeyRefused(error.name === 'InvalidStateError' ? 'known' : 'cancelled')
  })
  if (!found) throw new PasskeyRefused('cancelled')
  return (found as PublicKeyCredential).response as unknown as T
}

/** Has the authenticator make a passkey. Throws PasskeyRefused. */
export async function makePasskey(creation: Schemas['PasskeyCreation']) {
  const made = await asked<AuthenticatorAttestationResponse>(
    navigator.credentials.create({
      publicKey: {
        challenge: bytesOf(creation.challenge),
        rp: { id: creation.rp_id, name: creation.rp_name },
        user: { id: bytesOf(creation.user_handle), name: creation.login, displayName: creation.login },
        pubKeyCredParams: creation.algorithms.map((alg) => ({ type: 'public-key', alg })),
        excludeCredentials: creation.exclude.map((id) => ({ type: 'public-key', id: bytesOf(id) })),
        // Found again without a list of credentials: such a list would tell strangers who has which.
        authenticatorSelection: {
          residentKey: 'required',
          requireResidentKey: true,
          userVerification: 'preferred',
        },
        attestation: 'none',
        timeout: left(creation.expires_at),
      },
    }),
  )
  return { client_data_json: textOf(made.clientDataJSON), attestation_object: textOf(made.attestationObject) }
}

/** Has an authenticator answer. `alone`: it must know its user, since nothing else is asked. Throws PasskeyRefused. */
export async function answerWithPasskey(
  challenge: Schemas['PasskeyChallenge'],
  { alone }: { alone: boolean },
): Promise<Schemas['PasskeyAssertion']> {
  const doing = navigator.credentials.get({
    publicKey: {
      challenge: bytesOf(challenge.challenge),
      rpId: challenge.rp_id,
      userVerification: alone ? 'required' : 'preferred',
      timeout: left(challenge.expires_at),
    },
  })
  let id = ''
  const said = await asked<AuthenticatorAssertionResponse>(
    doing.then((found) => {
      id = found?.id ?? ''
      return found
    }),
  )
  return {
    credential_id: id,
    client_data_json: textOf(said.clientDataJSON),
    authenticator_data: textOf(said.authenticatorData),
    signature: textOf(said.signature),
  }
}
