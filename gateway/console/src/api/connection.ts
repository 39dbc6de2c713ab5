// SPDX-License-Identifier: Apache-2.0
// Whether the gateway can be reached, from what requests and the event stream meet. One store for the whole console.
import { useSyncExternalStore } from 'react'

type State = 'up' | 'down'
let state: State = 'up'
const listeners = new Set<() => void>()

function become(next: State): void {
  if (state === next) return
  state = next
  for (const listener of listeners) listener()
}

export const reached = (): void => become('up')
export const unreachable = (): void => become('down')

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useConnection(): State {
  return useSyncExternalStore(subscribe, () => state)
}

if (typeof window !== 'undefined') {
  window.addEventListener('offline', unreachable)
}
