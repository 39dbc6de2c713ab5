// SPDX-License-Identifier: Apache-2.0
// One way for every form: typed values, the problem's pointers on their fields, what cannot be placed above the form, and
// what was typed kept over a reload or a lost connection. Passwords are never kept.
import { type UseFormReturnType, useForm } from '@mantine/form'
import { type FormEvent, useCallback, useEffect, useRef, useState } from 'react'
import { Problem } from '@/api/problem'
import { reasonOf } from '@/sentences/say'

// biome-ignore lint/suspicious/noExplicitAny: Mantine's own bound for form values
type Values = Record<string, any>

interface FormChoices<V extends Values> {
  initial: V
  /** Sends the values. What it throws as Problem lands on the fields. */
  send: (values: V) => Promise<unknown>
  /** Checks before sending, by field; the server has the last word. */
  check?: Parameters<typeof useForm<V>>[0] extends infer I ? (I extends { validate?: infer C } ? C : never) : never
  /** Where a pointer of the API belongs when the field has another name, such as `{'/names': 'list'}`. */
  places?: Record<string, string>
  /** Keeps what is typed in this browser tab under this name until it is sent. */
  keepAs?: string
  /** Fields that are never kept. */
  secret?: readonly (keyof V)[]
}

export interface ApiForm<V extends Values> {
  form: UseFormReturnType<V>
  problem: Error | null
  sending: boolean
  submit: (event?: FormEvent) => Promise<boolean>
  forget: () => void
  clear: () => void
}

const DRAFT = 'certwright.draft.'

function kept<V extends Values>(name: string | undefined, initial: V): V {
  if (!name) return initial
  try {
    const text = sessionStorage.getItem(DRAFT + name)
    return text ? { ...initial, ...(JSON.parse(text) as Partial<V>) } : initial
  } catch {
    return initial
  }
}

/** The field that a pointer is about: `/company/name` is `company.name`; an item of a list stands at its list. */
export function fieldOf(pointer: string, values: Values, places: Record<string, string> = {}): string | null {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const placed = places[at]
    if (placed !== undefined) return placed
    const path = at.slice(1).split('/')
    let found: unknown = values
    for (const step of path)
      found = found !== null && typeof found === 'object' && !Array.isArray(found) ? (found as Values)[step] : undefined
    const aField = found !== undefined && (found === null || typeof found !== 'object' || Array.isArray(found))
    if (aField) return path.join('.')
  }
  return null
}

export function useApiForm<V extends Values>(choices: FormChoices<V>): ApiForm<V> {
  const { initial, keepAs, places, secret = [] } = choices
  const [problem, setProblem] = useState<Error | null>(null)
  const [sending, setSending] = useState(false)
  const running = useRef(false)
  const form = useForm<V>({
    initialValues: kept(keepAs, initial),
    validate: choices.check as never,
    clearInputErrorOnChange: true,
  })
  const values = form.values
  const keptNow = useRef(keepAs)
  keptNow.current = keepAs
  const typed = useRef(values)
  typed.current = values
  const sent = useRef<V | null>(null)

  useEffect(() => {
    // What was sent is a draft no more, though the page may be drawn once more before it leaves.
    if (!keepAs || !form.isDirty() || values === sent.current) return
    const draft = Object.fromEntries(Object.entries(values).filter(([name]) => !secret.includes(name as keyof V)))
    try {
      sessionStorage.setItem(DRAFT + keepAs, JSON.stringify(draft))
    } catch {
      // Storage is full or forbidden: the form works without.
    }
  }, [values, keepAs, secret, form])

  const forget = useCallback(() => {
    sent.current = typed.current
    if (keptNow.current) sessionStorage.removeItem(DRAFT + keptNow.current)
  }, [])

  const submit = async (event?: FormEvent): Promise<boolean> => {
    event?.preventDefault()
    if (running.current) return false
    if (form.validate().hasErrors) {
      focusFirst()
      return false
    }
    running.current = true
    setSending(true)
    setProblem(null)
    try {
      await choices.send(form.getValues())
      forget()
      return true
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      place(error)
      return false
    } finally {
      running.current = false
      setSending(false)
    }
  }

  const place = (error: Problem): void => {
    const found: Record<string, string> = {}
    let open = error.errors.length === 0
    for (const { pointer, parameter, detail } of error.errors) {
      const field = fieldOf(pointer ?? `/${parameter ?? ''}`, form.getValues(), places)
      if (field) found[field] = error.errors.length === 1 ? reasonOf(error) : detail
      else open = true
    }
    form.setErrors(found as never)
    setProblem(open ? error : null)
    if (!open) focusFirst()
  }

  const focusFirst = (): void => {
    // After React has drawn the errors.
    setTimeout(() => document.querySelector<HTMLElement>('[aria-invalid="true"], [data-invalid]')?.focus(), 0)
  }

  return { form, problem, sending, submit, forget, clear: () => setProblem(null) }
}
