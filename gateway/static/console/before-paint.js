// SPDX-License-Identifier: Apache-2.0
// The colour scheme and the language must stand before anything is drawn; the content-security policy allows no inline script.
;(() => {
  let scheme = 'auto'
  let language = navigator.language.slice(0, 2)
  try {
    scheme = localStorage.getItem('certwright.scheme') ?? scheme
    language = localStorage.getItem('certwright.language') ?? language
  } catch {
    // Storage may be forbidden; then the system decides.
  }
  const dark = scheme === 'dark' || (scheme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light')
  document.documentElement.lang = language === 'de' ? 'de' : 'en'
})()
