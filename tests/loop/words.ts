/** Small things that the naive model needs: ids, days, spellings, the trigger that says thanks. */

import type { PlainTrigger } from './plain.ts'

/** Fires once ever when the tag `bought` is set. */
export const THANKS: PlainTrigger = {
  ...{ id: 'thanks', channel: 'push', once: 'ever', class: 'service', delayHours: 0, replies: [] },
  ...{ attributionHours: null, orderTag: null, cancelTag: null, onExpired: 'drop' },
  ...{ attempts: 1, heldOut: 0 },
}

/** What an id is made of. */
interface Identified {
  readonly trigger: { readonly id: string }
  readonly sub: number
  readonly attempt: number
  readonly incarnation: number
}

/** The id of a delivery, or of its question. */
export function idOf(each: Identified, period: string): string {
  const { trigger, sub, attempt, incarnation } = each
  const suffix = incarnation === 0 ? '' : `:${incarnation}`
  return `${trigger.id}:${sub}:${period}:${attempt}${suffix}`
}

/** The day of an instant in UTC. */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10)
}

/** Puts a name in or takes it out. */
export function toggle(set: Set<string>, name: string, isIn: boolean): void {
  if (isIn) set.add(name)
  else set.delete(name)
}

/** Letters of the histories are these: full-width ones are made plain by hand. */
export function plain(text: string | undefined): string | null {
  if (text === undefined) return null
  let result = ''
  for (const letter of text) {
    const code = letter.codePointAt(0)!
    if (code === 0x200e) continue
    if (code >= 0xff01 && code <= 0xff5e) result += String.fromCodePoint(code - 0xfee0)
    else result += code === 0x3000 || letter === '\n' ? ' ' : letter
  }
  return result
    .split(' ')
    .filter((part) => part !== '')
    .join(' ')
    .toLowerCase()
}
