// SPDX-License-Identifier: Apache-2.0
// "g" and then a letter goes to a page, as in other tools that administrators know.
import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import { PAGES } from './pages'
import type { Session } from './session'

export const GO: Record<string, string> = {
  o: 'orders',
  s: 'servers',
  w: 'sites',
  c: 'certificates',
  f: 'discovery',
  t: 'tools',
  d: 'deposit',
  p: 'profile',
  a: 'alerts',
  u: 'users',
  l: 'audit',
  h: 'health',
}
const WITHIN_MS = 1_200

export function useGoKeys(session: Session): void {
  const navigate = useNavigate()
  useEffect(() => {
    let pressed = 0
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return
      if (document.querySelector('[role="dialog"]')) return
      if (event.key === 'g') {
        pressed = event.timeStamp
        return
      }
      const page = PAGES.find((one) => one.key === GO[event.key])
      if (page?.shown(session) && event.timeStamp - pressed < WITHIN_MS) navigate(`/${page.path}`)
      pressed = 0
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [session, navigate])
}
