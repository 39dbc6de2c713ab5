// SPDX-License-Identifier: Apache-2.0
// What to paste into ACME clients. The name is the reader's to replace.

export const CLIENTS = ['certbot', 'lego', 'Caddy', 'acme.sh'] as const
export type Client = (typeof CLIENTS)[number]

export interface Given {
  directory: string
  keyId: string
  key: string
}

/** The command, or for Caddy the lines of the Caddyfile, that gets a certificate for www.example.com. */
export function commandFor(client: Client, { directory, keyId, key }: Given): string {
  switch (client) {
    case 'certbot':
      return `certbot certonly --standalone --server ${directory} --eab-kid ${keyId} --eab-hmac-key ${key} --agree-tos -m you@example.com -d www.example.com`
    case 'lego':
      return `lego --server ${directory} --eab --kid ${keyId} --hmac ${key} --accept-tos --email you@example.com --http -d www.example.com run`
    case 'Caddy':
      return `{\n  acme_ca ${directory}\n  acme_eab {\n    key_id ${keyId}\n    mac_key ${key}\n  }\n}`
    case 'acme.sh':
      return `acme.sh --register-account --server ${directory} --eab-kid ${keyId} --eab-hmac-key ${key}\nacme.sh --issue -w /var/www/html --server ${directory} -d www.example.com`
  }
}
