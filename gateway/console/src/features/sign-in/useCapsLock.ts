// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from 'react'

/** Whether Caps Lock is on, as far as the last key said. */
export function useCapsLock(): boolean {
  const [on, setOn] = useState(false)
  useEffect(() => {
    const press = (event: KeyboardEvent) => setOn(event.getModifierState?.('CapsLock') ?? false)
    window.addEventListener('keydown', press)
    window.addEventListener('keyup', press)
    return () => {
      window.removeEventListener('keydown', press)
      window.removeEventListener('keyup', press)
    }
  }, [])
  return on
}
