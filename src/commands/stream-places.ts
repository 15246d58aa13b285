/** Looks for places in IN: what a new baseline goes on at, unless a person names it. */

import { decodeControl } from '../decode/control.ts'
import type { Source, StreamState } from '../model/ports.ts'
import { RejectError } from '../model/reject.ts'

/** How far a hole is followed before a person must say where it ends. */
const HOLE_MAX = 10_000

/**
 * First input of IN whose stamp is at least `stampMs`; one past the last where there is none.
 * Stamps grow with sequences, but for a change of the stream's leader.
 */
export async function findByStamp(
  source: Source,
  { firstSequence, lastSequence }: StreamState,
  stampMs: number,
): Promise<number> {
  let least = firstSequence
  let most = lastSequence + 1
  while (least < most) {
    const middle = Math.floor((least + most) / 2)
    const held = await findHeld(source, middle, most - 1)
    if (held === null || held.timestampMs >= stampMs) most = middle
    else least = held.sequence + 1
  }
  return most
}

/** The first input from `sequence` on that IN holds; null: none up to `last`, or a long hole. */
export async function findHeld(source: Source, sequence: number, last: number) {
  for (let at = sequence; at <= Math.min(last, sequence + HOLE_MAX); at++) {
    const message = await source.read(at)
    if (message !== null) return message
  }
  return null
}

/**
 * First input of a log that is no genesis: a new stream begins with one, which is known already.
 */
export async function findAfterGenesis(
  source: Source,
  { firstSequence, lastSequence }: StreamState,
): Promise<number> {
  const first = Math.max(1, firstSequence)
  const message = lastSequence === 0 ? null : await source.read(first)
  if (message === null) return first
  try {
    return decodeControl(message.data).kind === 'genesis' ? first + 1 : first
  } catch (error) {
    if (error instanceof RejectError) return first
    throw error
  }
}
