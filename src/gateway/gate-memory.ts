/**
 * What a lane's past in GATE says, read once at the start: where to go on in OUT, which deliveries
 * past that have an end, which have an intent alone, what was not yet told to the partitions, and
 * which receipts may still come.
 */

import { GateBrokenError } from '../errors.ts'
import type { OutputStream, StreamState } from '../model/ports.ts'
import type { FeedPlace } from '../model/said.ts'
import { decodeRecord, type GateEvent, type GateResult, type GateStep } from './records.ts'

/** Messages that are read back before the last step must have come: claims alone lie there. */
const CLAIMS_MAX = 10_000
const BACK_STEP = 32

/** A step that has something to tell. */
export interface UntoldStep {
  readonly sequence: number
  readonly results: readonly GateResult[]
  readonly events: readonly GateEvent[]
}

/** A lane's past. */
export interface GateMemory {
  /** Null: the lane has none. */
  readonly cursor: FeedPlace | null
  readonly from: number
  readonly told: number
  /** Past the cursor: with an end. */
  readonly ended: ReadonlySet<number>
  /** Past the cursor: with an intent and no end. They may have been submitted. */
  readonly open: ReadonlySet<number>
  readonly untold: readonly UntoldStep[]
  /** Results within the horizon that have receipts, oldest first. */
  readonly receipts: readonly GateResult[]
  /** What came back within the horizon. */
  readonly events: readonly GateEvent[]
}

const NOTHING: GateMemory = {
  cursor: null,
  from: 1,
  told: 0,
  ended: new Set(),
  open: new Set(),
  untold: [],
  receipts: [],
  events: [],
}

/**
 * Reads what lies before `claimSequence`. `receiptsAfterMs`: results before that time are not kept
 * for receipts.
 * @throws {GateBrokenError} the lane had a past, and GATE does not hold it any more
 * @throws {BrokerUnavailableError | BrokerRefusedError}
 */
export async function readMemory(
  stream: OutputStream,
  state: StreamState,
  claimSequence: number,
  receiptsAfterMs: number,
): Promise<GateMemory> {
  const last = await findLastStep(stream, state, claimSequence)
  if (last === null) return NOTHING
  const needed = Math.min(last.step.from, last.step.told + 1)
  const ended = new Set<number>()
  const open = new Set<number>()
  const untold: UntoldStep[] = []
  const receipts: GateResult[] = []
  const past: GateEvent[] = []
  const { number: done } = last.step.cursor
  const { told } = last.step
  const takeIn = (sequence: number, { intents, results, events }: GateStep): void => {
    for (const number of intents) if (number > done) open.add(number)
    for (const result of results) {
      if (result.receipts.length > 0 && result.timeMs >= receiptsAfterMs) receipts.push(result)
      if (result.number <= done) continue
      open.delete(result.number)
      if (result.kind !== 'withdrawn') ended.add(result.number)
    }
    for (const event of events) {
      if (event.timeMs >= receiptsAfterMs) past.push(event)
    }
    if (sequence > told && results.length + events.length > 0) {
      untold.push({ sequence, results, events })
    }
  }
  // What is needed must be there; what is older is read as far as it is there.
  const first = Math.max(state.firstSequence, 1)
  if (needed < first && needed <= last.sequence) {
    throw new GateBrokenError(`GATE begins at ${first}; what was sent stands from ${needed} on`)
  }
  const from = receiptsAfterMs === Number.POSITIVE_INFINITY ? Math.max(first, needed) : first
  for await (const { sequence, data } of stream.read(from, last.sequence)) {
    const record = decodeRecord(data)
    if (record.kind === 'step') takeIn(sequence, record.step)
  }
  const { cursor } = last.step
  return { cursor, from: last.step.from, told, ended, open, untold, receipts, events: past }
}

/** The last step before the claim; null: there never was one. */
async function findLastStep(
  stream: OutputStream,
  { firstSequence }: StreamState,
  claimSequence: number,
): Promise<{ sequence: number; step: GateStep } | null> {
  const least = Math.max(1, firstSequence, claimSequence - CLAIMS_MAX)
  for (let to = claimSequence - 1; to >= least; to -= BACK_STEP) {
    let found: { sequence: number; step: GateStep } | null = null
    for await (const { sequence, data } of stream.read(Math.max(least, to - BACK_STEP + 1), to)) {
      const record = decodeRecord(data)
      if (record.kind === 'step') found = { sequence, step: record.step }
    }
    if (found !== null) return found
  }
  if (least <= 1) return null
  throw new GateBrokenError('GATE has forgotten what was sent: say where to begin')
}
