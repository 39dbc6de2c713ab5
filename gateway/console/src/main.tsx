// SPDX-License-Identifier: Apache-2.0
import { setNonce } from 'get-nonce'
import { createRoot } from 'react-dom/client'
import { App } from './app/App'
import { askWhoIsSignedIn } from './app/session'
import { startLanguage } from './i18n'
import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import '@mantine/spotlight/styles.css'
import 'mantine-datatable/styles.css'
import './theme/base.css'
import './theme/shell.css'
import './theme/sheets.css'
import './theme/lists.css'
import './theme/order.css'
import './theme/inventory.css'

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? ''
setNonce(nonce) // styles that libraries add must carry it
askWhoIsSignedIn() // while the words are on their way
const root = document.getElementById('root')
if (root) void startLanguage().then(() => createRoot(root).render(<App nonce={nonce} />))
