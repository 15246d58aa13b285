/**
 * From whatever is there to a partition that may run: the image loaded, both streams checked
 * against it, OUT claimed, its tail read. What follows is replay: the worker applies IN from the
 * image's position, and every decision that OUT already holds is compared and not sent again.
 *
 * Stop rather than guess: each check that fails is a halt with its own reason.
 */

import { crc32 } from 'node:zlib'
import { HighwaterError, OutputFencedError, PartitionHaltedError } from '../errors.ts'
import type { OutputStream, PageStore, Source, StreamState, WaitingClock } from '../model/ports.ts'
import { parseCatalog } from '../rules/parse-catalog.ts'
import type { SlotMaps } from '../state/image-sweep.ts'
import type { SaidDecision } from './adoption.ts'
import { fingerprintOf } from './core.ts'
import { type EngineIdentity, loadImage, type ManifestHead, readManifestHead } from './image.ts'
import { PartitionMachine } from './machine.ts'
import type { ChainStart } from './output-chain.ts'
import {
  chainStartOf,
  checkMakers,
  findOutputBaseline,
  type OutputTail,
  type PlacedRuling,
  readSaid,
  readTail,
} from './output-tail.ts'
import { claimOutput, type OutputPlace } from './output-writer.ts'
import { FINGERPRINT_UNKNOWN, isJumpDue, type Ruling, Rulings } from './rulings.ts'

const RETRY_MS = 200

/** What recovery needs from outside. */
export interface RecoveryPorts {
  readonly source: Source
  readonly output: OutputStream
  readonly store: PageStore
  readonly clock: WaitingClock
  readonly isStopping: () => boolean
}

/** What a claim brought. */
export interface Ownership {
  readonly claim: OutputPlace
  /** Last decision that OUT holds. */
  readonly outputNumber: number
  /** IN's last sequence at the claim: replay must have made all decisions of OUT by then. */
  readonly replayTarget: number
}

/**
 * An image loaded, and both streams found to go with it: ready to apply its input from there on.
 * Nothing is claimed.
 */
export interface LoadedPartition {
  readonly machine: PartitionMachine
  /** Null: the machine begins with genesis. */
  readonly head: ManifestHead | null
  readonly slotMaps: SlotMaps
  readonly input: StreamState
  readonly output: StreamState
  /** Where OUT's tail begins that the machine does not know, and the message there. */
  readonly chainStart: ChainStart
  readonly chainFingerprint: number
  /** Rulings past that place. */
  readonly rulingCount: number
}

/**
 * All that can be wrong with an image is found before the claim: an owner that cannot go on would
 * only fence off one that can. Null when stopped meanwhile. Throws PartitionHaltedError.
 */
async function loadPartition(
  partition: number,
  engine: EngineIdentity,
  ports: RecoveryPorts,
): Promise<LoadedPartition | null> {
  const { store } = ports
  const head = readManifestHead(store)
  const machine = new PartitionMachine(partition)
  let slotMaps: SlotMaps = new Map()
  if (head !== null) {
    const image = loadImage(store, head, machine.outbox, machine.rejects)
    slotMaps = image.slotMaps
    machine.adopt(image.core, parseCatalog(image.files).catalog)
  }
  const seen = await patiently(ports.clock, ports.isStopping, () =>
    surveyStreams(ports, head, engine),
  )
  if (seen === null) return null
  machine.follow(seen.rulings, seen.said)
  const { decisionNumber } = seen.chainStart
  if (decisionNumber > machine.outbox.decisionNumber) {
    machine.outbox.expectReplay(decisionNumber, new Map())
  }
  return { machine, head, slotMaps, ...seen }
}

/**
 * Recovers; null when stopped meanwhile. `worker`: who claims; null: nobody, as a standby begins.
 * Throws PartitionHaltedError.
 */
export async function recoverPartition(
  partition: number,
  worker: string | null,
  engine: EngineIdentity,
  ports: RecoveryPorts,
): Promise<{ loaded: LoadedPartition; ownership: Ownership | null } | null> {
  const { source, output } = ports
  const loaded = await loadPartition(partition, engine, ports)
  if (loaded === null) return null
  if (worker === null) return { loaded, ownership: null }
  const { machine, head } = loaded
  const identity = { worker, engine, claimedAtMs: ports.clock.nowMs() }
  const claim = await claimOutput(output, identity, ports.clock, ports.isStopping)
  if (claim === null) return null
  const seen = await patiently(ports.clock, ports.isStopping, async () => {
    const { lastSequence } = await source.state()
    return { lastSequence, tail: await readTail(output, loaded.chainStart, claim.sequence, head) }
  })
  if (seen === null) return null
  const { tail } = seen
  checkMakers(tail, engine)
  if (tail.rulings.length !== loaded.rulingCount) {
    throw new OutputFencedError('a ruling was written while this worker started: start it again')
  }
  machine.outbox.expectReplay(tail.lastNumber, tail.digests)
  const ownership = {
    claim,
    outputNumber: tail.lastNumber,
    replayTarget: seen.lastSequence,
  }
  return { loaded, ownership }
}

/**
 * Repeats `attempt` for as long as the broker is merely unavailable, which says nothing about the
 * data; null when stopped meanwhile.
 */
export async function patiently<T>(
  clock: WaitingClock,
  isStopping: () => boolean,
  attempt: () => Promise<T>,
): Promise<T | null> {
  while (!isStopping()) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof HighwaterError) || !error.retryable) throw error
    }
    await clock.pause(RETRY_MS)
  }
  return null
}

/** Both streams as they are, found to go with an image and with what was ruled since. */
export interface StreamSurvey {
  readonly input: StreamState
  readonly output: StreamState
  readonly tail: OutputTail
  readonly rulings: Rulings
  /** Decisions of OUT past the image, if a baseline may have to take them over. */
  readonly said: readonly SaidDecision[]
  readonly chainStart: ChainStart
  readonly chainFingerprint: number
  readonly rulingCount: number
}

/**
 * Checks both streams against an image (null: none), rulings read first. Throws
 * PartitionHaltedError.
 */
export async function surveyStreams(
  { source, output }: Pick<RecoveryPorts, 'source' | 'output'>,
  head: ManifestHead | null,
  engine: EngineIdentity,
): Promise<StreamSurvey> {
  const input = await source.state()
  const outputState = await output.state()
  const { start, carried } = await findChainStart(output, outputState, head)
  const tail = await readTail(output, start, outputState.lastSequence, head)
  checkMakers(tail, engine)
  checkPassed(tail, head)
  const rulings = new Rulings([
    ...(head?.rulings ?? []),
    ...carried,
    ...tail.rulings.map(({ ruling }) => ruling),
  ])
  const { place, jump } = placeUnder(rulings, head)
  await checkInput(source, input, place)
  const last = tail.rulings.findLast(({ ruling }) => ruling.baseline !== undefined)
  const made = head?.decisionNumber ?? 0
  const said = last === undefined ? [] : await readSaid(output, outputState, last.sequence, made)
  const begin = tail.rulings.find(({ ruling }) => ruling === jump)
  const isPast = ({ sequence }: PlacedRuling): boolean => sequence > (begin?.sequence ?? 0)
  return {
    input,
    output: outputState,
    tail,
    rulings,
    said,
    chainStart: begin === undefined ? start : { ...startAt(begin), outputSequence: begin.sequence },
    chainFingerprint: begin?.fingerprint ?? head?.outputFingerprint ?? 0,
    rulingCount: tail.rulings.filter(isPast).length,
  }
}

/** An owner halts where a ruling is needed; only a standby may have gone past the place. */
function checkPassed({ rulings }: OutputTail, head: ManifestHead | null): void {
  if (head === null) return
  for (const { ruling } of rulings) {
    const isPassed = ruling.era === (head.era ?? 0) && ruling.input <= head.sequence
    if (!isPassed || ruling.choice === 'new-baseline') continue
    const text = `the image went past input ${ruling.input} without the ruling about it`
    throw new PartitionHaltedError('digest-mismatch', text)
  }
}

/** Where OUT's tail begins: behind the image, or at the ruling that says so. */
export async function findChainStart(
  output: OutputStream,
  state: StreamState,
  head: ManifestHead | null,
): Promise<{ start: ChainStart; carried: readonly Ruling[] }> {
  try {
    await checkOutput(output, state, head)
    const endSequence = head?.outputEndSequence ?? 0
    if (state.lastSequence < endSequence) {
      const text = `OUT ends at ${state.lastSequence}, the image saw ${endSequence}`
      throw new PartitionHaltedError('output-truncated', text)
    }
    return { start: chainStartOf(head), carried: [] }
  } catch (error) {
    if (!(error instanceof PartitionHaltedError)) throw error
    const placed = await findOutputBaseline(output, state, head)
    if (placed === null) throw error
    return { start: startAt(placed), carried: placed.ruling.baseline?.carried ?? [] }
  }
}

/** The tail that begins with a baseline's own message. */
function startAt({ sequence, ruling }: PlacedRuling): ChainStart {
  const { number, digest } = ruling.baseline!.said
  return { outputSequence: sequence - 1, decisionNumber: number, digest }
}

/**
 * Where in IN, and in which era, the first input is to be found after the jumps that are due at an
 * image.
 */
export function placeUnder(
  rulings: Rulings,
  head: ManifestHead | null,
): { place: InputPlace | null; era: number; jump: Ruling | null } {
  let place: InputPlace | null = head
  let jump: Ruling | null = null
  for (let era = head?.era ?? 0; ; era++) {
    const sequence = place?.sequence ?? 0
    const ruling = rulings.baselineFrom(era, sequence)
    if (ruling === null || !isJumpDue(ruling, sequence)) return { place, era, jump }
    const { created: inputCreated, next } = ruling.baseline.input
    jump = ruling
    place = { inputCreated, sequence: next - 1, fingerprint: FINGERPRINT_UNKNOWN }
  }
}

/** Where a partition stands in its input, for a check against the stream. */
export interface InputPlace {
  readonly inputCreated: string
  readonly sequence: number
  readonly fingerprint: number
}

/** Checks IN against where we stand; null: from genesis. Throws PartitionHaltedError. */
export async function checkInput(
  source: Source,
  state: StreamState,
  place: InputPlace | null,
): Promise<void> {
  const sequence = place?.sequence ?? 0
  if (place !== null && state.created !== place.inputCreated) {
    throw new PartitionHaltedError('input-recreated', 'IN is another stream than the one we read')
  }
  if (state.lastSequence < sequence) {
    const text = `IN ends at ${state.lastSequence}, we stand at ${sequence}`
    throw new PartitionHaltedError('input-truncated', text)
  }
  if (state.firstSequence > sequence + 1) {
    const text = `IN starts at ${state.firstSequence}, we need ${sequence + 1}`
    throw new PartitionHaltedError('input-gap', text)
  }
  if (place === null || sequence === 0 || state.firstSequence > sequence) return
  if (place.fingerprint === FINGERPRINT_UNKNOWN) return
  const message = await source.read(sequence)
  if (message !== null && fingerprintOf(message) !== place.fingerprint) {
    throw new PartitionHaltedError('input-fingerprint', `input ${sequence} is another message now`)
  }
}

/** Where a partition stands in its output. */
export interface OutputPosition {
  readonly outputCreated: string
  readonly outputSequence: number
  readonly outputFingerprint: number
}

/** Checks OUT against where we stand; null: from the beginning. Throws PartitionHaltedError. */
export async function checkOutput(
  output: OutputStream,
  state: StreamState,
  position: OutputPosition | null,
): Promise<void> {
  const sequence = position?.outputSequence ?? 0
  if (position !== null && state.created !== position.outputCreated) {
    throw new PartitionHaltedError(
      'output-recreated',
      'OUT is another stream than the one we wrote',
    )
  }
  if (state.lastSequence < sequence) {
    const text = `OUT ends at ${state.lastSequence}, we stand at ${sequence}`
    throw new PartitionHaltedError('output-truncated', text)
  }
  if (state.lastSequence > sequence && state.firstSequence > sequence + 1) {
    const text = `OUT starts at ${state.firstSequence}, we need ${sequence + 1}`
    throw new PartitionHaltedError('output-gap', text)
  }
  if (position === null || sequence === 0 || state.firstSequence > sequence) return
  for await (const message of output.read(sequence, sequence)) {
    if (crc32(message.data) === position.outputFingerprint) continue
    throw new PartitionHaltedError('output-fingerprint', `OUT ${sequence} is another message now`)
  }
}
