/**
 * From a halt and a choice to the ruling: which input it is about, where a new baseline goes on,
 * and in plain words what it means and what it costs. Reads both streams, writes nothing.
 */

import { PartitionHaltedError, UsageError } from '../errors.ts'
import type { OutputStream, Source, StreamState } from '../model/ports.ts'
import type { RulingChoice } from '../model/ways-out.ts'
import { formatDigest } from '../outbox/digest.ts'
import type { SaidDecision } from '../partition/adoption.ts'
import type { EngineIdentity, ManifestHead } from '../partition/image.ts'
import { checkMakers, readBack, readLastSaid, readTail } from '../partition/output-tail.ts'
import { checkInput, findChainStart, placeUnder } from '../partition/recovery.ts'
import { type Baseline, decodeRuling, type Ruling, Rulings } from '../partition/rulings.ts'
import { findAfterGenesis, findByStamp, findHeld } from './stream-places.ts'

/** How far from its end a damaged OUT is searched for rulings that still count. */
const CARRIED_SEARCH_MAX = 50_000

/** What a ruling is composed of. */
export interface RulingRequest {
  readonly choice: RulingChoice
  /** The input that the worker names, and the one that the person names; null: not known. */
  readonly haltedAt: number | null
  readonly at: number | null
  /** Last decision that any reader has dealt with, as the person says; null: not said. */
  readonly readNumber: number | null
  readonly by: string
  readonly reason: string
  readonly nowMs: number
  readonly source: Source
  readonly output: OutputStream
  /** The image; null: there is none. */
  readonly head: ManifestHead | null
  /** A genesis for a partition without image and without a whole log. */
  readonly genesis: Uint8Array
  readonly isVirtualClock: boolean
}

/** A ruling ready to be published behind `outputSequence`, and what to tell before. */
export interface ComposedRuling {
  readonly ruling: Ruling
  readonly outputSequence: number
  readonly lines: readonly string[]
}

/** What the streams show of themselves. */
export interface Findings {
  readonly input: StreamState
  readonly output: StreamState
  readonly outputHalt: PartitionHaltedError | null
  readonly inputHalt: PartitionHaltedError | null
  readonly engineHalt: PartitionHaltedError | null
  /** Rulings that may lie ahead of the image. */
  readonly rulings: Rulings
  readonly ahead: readonly Ruling[]
  /** Where the image stands after the jumps ruled before. */
  readonly era: number
  readonly outputEra: number
  readonly position: number
  /** Last decision of OUT, and whether a baseline in IN was ruled after it. */
  readonly lastSaid: { readonly digest: string; readonly last: SaidDecision } | null
  readonly isRebased: boolean
}

/** Checks both streams against the image, one after the other, and goes on where one is wrong. */
export async function inspectStreams(
  source: Source,
  output: OutputStream,
  head: ManifestHead | null,
  engine: EngineIdentity,
): Promise<Findings> {
  const input = await source.state()
  const outputState = await output.state()
  let outputHalt: PartitionHaltedError | null = null
  let engineHalt: PartitionHaltedError | null = null
  let ahead: Ruling[] = [...(head?.rulings ?? [])]
  try {
    const { start, carried } = await findChainStart(output, outputState, head)
    const tail = await readTail(output, start, outputState.lastSequence, head)
    ahead.push(...carried, ...tail.rulings.map(({ ruling }) => ruling))
    engineHalt = await haltOf(async () => checkMakers(tail, engine))
  } catch (error) {
    if (!(error instanceof PartitionHaltedError)) throw error
    outputHalt = error
    ahead = [...ahead, ...(await searchRulings(output, outputState))]
  }
  const rulings = new Rulings(ahead)
  const { place, era } = placeUnder(rulings, head)
  const lastSaid = await readLastSaid(output, outputState)
  const inputHalt = await haltOf(async () => {
    await checkInput(source, input, place)
    if (place === null && lastSaid !== null) await checkBeginning(source, input)
  })
  const lastBaseline = (await searchRulings(output, outputState, lastSaid?.sequence ?? 0)).some(
    ({ baseline }) => baseline !== undefined && baseline.input !== null,
  )
  return {
    input,
    output: outputState,
    outputHalt,
    inputHalt,
    engineHalt,
    rulings,
    ahead: rulings.ahead(era, place?.sequence ?? 0),
    era,
    outputEra: rulings.outputEraAfter(head?.outputEra ?? 0),
    position: place?.sequence ?? 0,
    lastSaid,
    isRebased: lastBaseline,
  }
}

/** Without an image the log must begin with genesis; where OUT holds decisions it once did. */
async function checkBeginning(source: Source, input: StreamState): Promise<void> {
  if (input.lastSequence === 0 || (await findAfterGenesis(source, input)) > 1) return
  throw new PartitionHaltedError('input-recreated', 'IN does not begin with genesis any more')
}

async function haltOf(check: () => Promise<void>): Promise<PartitionHaltedError | null> {
  try {
    await check()
    return null
  } catch (error) {
    if (error instanceof PartitionHaltedError) return error
    throw error
  }
}

async function searchRulings(
  output: OutputStream,
  { firstSequence, lastSequence }: StreamState,
  after = lastSequence - CARRIED_SEARCH_MAX,
): Promise<Ruling[]> {
  const found: Ruling[] = []
  const least = Math.max(firstSequence, after + 1)
  for await (const { data } of readBack(output, lastSequence, least)) {
    const ruling = decodeRuling(data)
    if (ruling !== null) found.unshift(ruling)
  }
  return found
}

/** Throws UsageError where the choice makes no sense; nothing is written. */
export async function composeRuling(
  request: RulingRequest,
  found: Findings,
  halt: string,
): Promise<ComposedRuling> {
  const { choice, by, reason, nowMs } = request
  const common = { v: 1, kind: 'ruling', halt, by, reason, time: nowMs } as const
  const outputSequence = found.output.lastSequence
  if (choice === 'new-baseline') {
    const { era } = found
    const { baseline, lines } = await composeBaseline(request, found, halt)
    const input = baseline.input?.next ?? found.position + 1
    return { ruling: { ...common, era, input, choice, baseline }, outputSequence, lines }
  }
  const { era, input } = inputOf(request, found)
  if (choice === 'skip-input') {
    const lines = [
      `input ${input} will change nothing: no counter, no profile, no clock, no timer`,
      `lost: what input ${input} said. Its bytes go to REJ (skipped-by-ruling), from where whoever`,
      'sent it may publish it again, mended, with a new seq',
    ]
    return { ruling: { ...common, era, input, choice }, outputSequence, lines }
  }
  const through = found.input.lastSequence
  const instant = new Date(nowMs).toISOString()
  const lines = [
    `inputs ${input} to ${through}: stamps later than ${instant} count as ${instant}`,
    'lost: nothing. Set the clock that is wrong before the next start: inputs stored after',
    `${through} are checked again`,
  ]
  return { ruling: { ...common, era, input, through, choice }, outputSequence, lines }
}

/** The input that the halt is about, in its era; it must lie ahead and be unanswered. */
function inputOf({ at, haltedAt }: RulingRequest, found: Findings): { era: number; input: number } {
  const input = at ?? haltedAt
  if (input === null || input < 2) {
    throw new UsageError('say --at SEQUENCE: the input that the halt names, as in the log')
  }
  let { era, position } = found
  for (;;) {
    const next = found.rulings.baselineFrom(era, position)?.baseline.input.next
    if (next === undefined || input < next) break
    era += 1
    position = next - 1
  }
  if (input <= position) throw new UsageError(`the image already holds input ${input}`)
  if (input > found.input.lastSequence) throw new UsageError(`IN does not hold input ${input}`)
  const answered = found.lastSaid?.last.in ?? 0
  if (!found.isRebased && answered >= input) {
    throw new UsageError(
      `OUT holds decisions of input ${answered}: a ruling about input ${input} would contradict them`,
    )
  }
  return { era, input }
}

async function composeBaseline(
  request: RulingRequest,
  found: Findings,
  halt: string,
): Promise<{ baseline: Baseline; lines: string[] }> {
  const { head } = request
  const input = await composeInput(request, found, halt)
  const isOutputLost = found.outputHalt !== null && halt !== 'digest-mismatch'
  const said = lastSaidOf(head, found, request.readNumber)
  const isEndLost = isOutputLost && found.outputHalt?.reason !== 'output-gap'
  if (isEndLost && input !== null && request.readNumber === null) {
    // What OUT lost is not made again: new decisions under numbers that readers know would be
    // skipped by them.
    throw new UsageError(
      'IN and OUT both lost something: say --number N, the last decision that any reader has ' +
        `dealt with (${said.number} or more)`,
    )
  }
  const isCompared = !UNCOMPARED.includes(halt)
  const needsGenesis = head === null && input !== null && input.from !== null
  const baseline: Baseline = {
    input,
    output: isOutputLost ? { created: found.output.created, era: found.outputEra } : null,
    isCompared,
    said,
    genesis: needsGenesis ? request.genesis : null,
    carried: isOutputLost ? found.ahead : [],
  }
  if (baseline.input === null && baseline.output === null) {
    throw new UsageError(`nothing in IN or OUT asks for a new baseline (${halt}): restart`)
  }
  return { baseline, lines: describeBaseline(request, found, baseline) }
}

/**
 * Halts of a replay that cannot decide as OUT says: what it makes up to the baseline is not said.
 */
const UNCOMPARED: readonly string[] = [
  'digest-mismatch',
  'replay-short',
  'engine-version',
  'HW_BROKER_REFUSED',
]

/** The last decision that anybody knows of, and the digest after it. */
function lastSaidOf(
  head: ManifestHead | null,
  found: Findings,
  readNumber: number | null,
): Baseline['said'] {
  const { lastSaid } = found
  const candidates = found.ahead.flatMap(({ baseline }) => (baseline ? [baseline.said] : []))
  if (head !== null) {
    const digest = formatDigest(head.digestLow, head.digestHigh)
    candidates.push({ number: head.decisionNumber, digest })
  }
  if (lastSaid !== null) candidates.push({ number: lastSaid.last.n, digest: lastSaid.digest })
  const none = { number: 0, digest: formatDigest(0, 0) }
  const known = candidates.reduce((best, each) => (each.number >= best.number ? each : best), none)
  return { ...known, number: Math.max(known.number, readNumber ?? 0) }
}

async function composeInput(
  request: RulingRequest,
  found: Findings,
  halt: string,
): Promise<Baseline['input']> {
  const { at, source, haltedAt } = request
  const { position, input: state } = found
  const { created } = state
  const reason = found.inputHalt?.reason ?? halt
  const atOnce = (next: number, isForward: boolean): Baseline['input'] => ({
    created,
    next: checkNext(at ?? next, state, isForward ? 1 : 0),
    from: position,
    isForward,
  })
  const onTheWay = (next: number): Baseline['input'] => ({
    created,
    next: checkNext(at ?? next, state, position + 1),
    from: null,
    isForward: true,
  })
  switch (reason) {
    case 'input-recreated':
      return atOnce(await findAfterGenesis(source, state), false)
    case 'input-gap':
      return atOnce(state.firstSequence, true)
    case 'input-truncated':
    case 'input-fingerprint':
      return atOnce(await firstUnknown(request, found), true)
    case 'sequence-jump': {
      const hole = at === null ? haltedAt : at
      if (hole === null) throw new UsageError('say --at SEQUENCE: the first input after the hole')
      const held = await findHeld(source, hole, state.lastSequence)
      return onTheWay(held?.sequence ?? state.lastSequence + 1)
    }
    case 'HW_BROKER_REFUSED':
      if (request.head !== null || found.lastSaid === null) return null
      return onTheWay(await findAfterGenesis(source, state))
    case 'digest-mismatch':
    case 'engine-version':
    case 'replay-short':
      return onTheWay(await afterLastAnswer(request, found, reason))
    default:
      return null
  }
}

/** The first input that came after what the image knows, as far as stamps tell. */
async function firstUnknown(request: RulingRequest, found: Findings): Promise<number> {
  const { head, source, isVirtualClock } = request
  const { input, lastSaid, position } = found
  if (isVirtualClock) return Math.min(position, input.lastSequence) + 1
  const clockMs = Math.max(head?.clockMs ?? 0, lastSaid?.last.at ?? 0)
  return findByStamp(source, input, clockMs)
}

/** The first input that OUT's last decision cannot have known. */
async function afterLastAnswer(
  request: RulingRequest,
  found: Findings,
  reason: string,
): Promise<number> {
  const { source, isVirtualClock } = request
  const { input, lastSaid, position, isRebased } = found
  if (lastSaid === null || isRebased) return position + 1
  const isShort = reason === 'replay-short'
  const answered = isShort ? input.lastSequence + 1 : lastSaid.last.in + 1
  // What came after that decision was made is not old, whatever its sequence: IN may have lost
  // inputs and grown again.
  const byStamp = isVirtualClock ? answered : await findByStamp(source, input, lastSaid.last.at + 1)
  const next = Math.min(answered, byStamp, input.lastSequence + 1)
  return Math.max(next, position + 1)
}

function checkNext(next: number, { firstSequence, lastSequence }: StreamState, least: number) {
  const first = Math.max(firstSequence, least)
  if (next >= first && next <= lastSequence + 1) return next
  throw new UsageError(`--at must be from ${first} to ${lastSequence + 1}; found ${next}`)
}

function describeBaseline(
  { head }: RulingRequest,
  found: Findings,
  { input, output, isCompared, said }: Baseline,
): string[] {
  const heldNumber = found.lastSaid?.last.n ?? 0
  const knownNumber = head?.decisionNumber ?? 0
  const lines: string[] = []
  if (head === null) {
    lines.push(
      'there is no image: the partition begins with an empty state and the configuration of --config',
      'lost: all counters, tags, fields, opt-outs and other lists: publish the profiles again first',
    )
  } else {
    lines.push(`the image at input ${head.sequence} with decisions up to ${knownNumber} stands`)
  }
  lines.push(`decisions up to ${said.number} count as said; the next one is ${said.number + 1}`)
  if (output !== null) {
    lines.push(`OUT goes on as it is now, with decisions up to ${heldNumber}, not compared`)
    if (heldNumber < said.number) {
      lines.push(
        `lost: decisions ${heldNumber + 1} to ${said.number} for readers that have not read them`,
      )
    }
    lines.push(
      'decisions past the image that OUT no longer holds are made and said again under their',
      'numbers: readers that have them skip them',
    )
  }
  if (input !== null) {
    lines.push(`the next input to be taken is ${input.next} of IN as it is now`)
    if (input.from !== null) {
      lines.push(
        `lost: inputs after ${input.from} that are not there from ${input.next} on, with their usage,`,
        'profiles and feedback; producers may repeat them, repeats are recognised',
      )
    } else if (!isCompared) {
      lines.push(
        `inputs before ${input.next} are applied by this engine and not compared`,
        'lost: deliveries of theirs that OUT does not hold',
      )
    } else lines.push(`lost: the inputs missing before ${input.next}`)
    if (heldNumber > knownNumber) {
      lines.push(
        `decisions ${knownNumber + 1} to ${heldNumber} of OUT are taken over where no replay makes`,
        'them: latches and caps know them, so nothing is said twice; counters do not',
      )
    }
  }
  return lines
}
