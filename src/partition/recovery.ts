/**
 * From whatever is there to a partition that may run: the image loaded, both streams checked
 * against it, OUT claimed, its tail read. What follows is replay: the worker applies IN from the
 * image's position, and every decision that OUT already holds is compared and not sent again.
 *
 * Stop rather than guess: each check that fails is a halt with its own reason.
 */

import { crc32 } from 'node:zlib'
import { HighwaterError, PartitionHaltedError } from '../errors.ts'
import type { OutputStream, PageStore, Source, StreamState, WaitingClock } from '../model/ports.ts'
import { formatDigest } from '../outbox/digest.ts'
import { parseCatalog } from '../rules/parse-catalog.ts'
import type { SlotMaps } from '../state/image-sweep.ts'
import { fingerprintOf } from './core.ts'
import { type EngineIdentity, loadImage, type ManifestHead, readManifestHead } from './image.ts'
import { PartitionMachine } from './machine.ts'
import { ChainReader, type ChainStart } from './output-chain.ts'
import { claimOutput, type OutputPlace } from './output-writer.ts'

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
  const { output, store } = ports
  const head = readManifestHead(store)
  const machine = new PartitionMachine(partition)
  let slotMaps: SlotMaps = new Map()
  if (head !== null) {
    const image = loadImage(store, head, machine.outbox, machine.rejects)
    slotMaps = image.slotMaps
    machine.adopt(image.core, parseCatalog(image.files).catalog)
  }
  const streams = await patiently(ports.clock, ports.isStopping, async () => {
    const seen = await checkStreams(ports, head)
    checkTail(await readTail(output, chainStartOf(head), seen.output.lastSequence), head, engine)
    return seen
  })
  return streams === null ? null : { machine, head, slotMaps, ...streams }
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
  const identity = { worker, engine: engine.version, claimedAtMs: ports.clock.nowMs() }
  const claim = await claimOutput(output, identity, ports.clock, ports.isStopping)
  if (claim === null) return null
  const seen = await patiently(ports.clock, ports.isStopping, async () => {
    const { lastSequence } = await source.state()
    return { lastSequence, tail: await readTail(output, chainStartOf(head), claim.sequence) }
  })
  if (seen === null) return null
  const { tail } = seen
  checkTail(tail, head, engine)
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

async function checkStreams(
  { source, output }: RecoveryPorts,
  head: ManifestHead | null,
): Promise<{ input: StreamState; output: StreamState }> {
  const inputState = await source.state()
  const outputState = await output.state()
  await checkInput(source, inputState, head)
  await checkOutput(output, outputState, head)
  const endSequence = head?.outputEndSequence ?? 0
  if (outputState.lastSequence < endSequence) {
    const text = `OUT ends at ${outputState.lastSequence}, the image saw ${endSequence}`
    throw new PartitionHaltedError('output-truncated', text)
  }
  return { input: inputState, output: outputState }
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

/** What OUT holds past a place. */
export interface OutputTail {
  readonly lastNumber: number
  readonly hasDecisions: boolean
  readonly digests: ReadonlyMap<number, string>
}

/** Decisions in OUT past a place, up to our claim: claims are skipped. */
export async function readTail(
  output: OutputStream,
  start: ChainStart,
  claimSequence: number,
): Promise<OutputTail> {
  const digests = new Map<number, string>()
  const chain = new ChainReader(start)
  let lastNumber = start.decisionNumber
  let hasDecisions = false
  for await (const message of output.read(start.outputSequence + 1, claimSequence)) {
    const link = chain.next(message)
    if (link === null) continue
    hasDecisions = true
    digests.set(link.last, link.digest)
    lastNumber = Math.max(lastNumber, link.last)
  }
  return { lastNumber, hasDecisions, digests }
}

/** Where the tail begins that an image does not know. */
export function chainStartOf(head: ManifestHead | null): ChainStart {
  if (head === null) return { outputSequence: 0, decisionNumber: 0, digest: '' }
  const { outputSequence, decisionNumber, digestLow, digestHigh } = head
  return { outputSequence, decisionNumber, digest: formatDigest(digestLow, digestHigh) }
}

/**
 * A new engine may decide otherwise: it starts only where nothing that OUT holds must be made
 * again.
 */
function checkTail(tail: OutputTail, head: ManifestHead | null, now: EngineIdentity): void {
  if (head === null || !tail.hasDecisions) return
  const before = head.engine
  const isSame =
    before.version === now.version &&
    before.runtime === now.runtime &&
    before.tzdata === now.tzdata &&
    before.architecture === now.architecture
  if (isSame) return
  const text =
    `the image was written by ${describe(before)}, this is ${describe(now)}, and decisions after it ` +
    'would have to be made again: start the old engine once and stop it in an orderly way'
  throw new PartitionHaltedError('engine-version', text)
}

function describe(engine: EngineIdentity): string {
  return `${engine.version} (${engine.runtime}, tzdata ${engine.tzdata}, ${engine.architecture})`
}
