// SPDX-License-Identifier: Apache-2.0
// File names carry no hash, so that a rebuild changes only what changed; the gateway answers with an ETag instead.
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const gateway = process.env.CERTWRIGHT_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  base: '/console/',
  plugins: [react()],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  build: {
    outDir: '../static/console',
    emptyOutDir: true,
    target: 'es2022',
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      output: {
        entryFileNames: 'assets/[name].js',
        chunkFileNames: 'assets/[name].js',
        assetFileNames: 'assets/[name][extname]',
      },
    },
  },
  server: { proxy: Object.fromEntries(['/api', '/pki', '/docs', '/static'].map((path) => [path, gateway])) },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'] },
})
