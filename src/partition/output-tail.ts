/**
 * What OUT holds past a place: how far its decisions go and their digests, who made them, and what
 * was ruled. For whoever recovers; a standby goes on reading by itself (output-follower.ts).
 */

import { crc32 } from 'node:zlib'
import { decode } from '@msgpack/msgpack'
import { PartitionHaltedError } from '../errors.ts'
import type { OutputMessage, OutputStream, StreamState } from '../model/ports.ts'
import { formatDigest } from '../outbox/digest.ts'
import type { SaidDecision } from './adoption.ts'
import type { EngineIdentity, ManifestHead } from './image.ts'
import { ChainReader, type ChainStart } from './output-chain.ts'
import { decodeRuling, type Ruling } from './rulings.ts'

/** Messages read at once when OUT is read from its end. */
const BACK_STEP = 64
/**
 * How far from its end OUT is searched for the ruling that mends it: the partition writes an image
 * right after it, so it is never far away.
 */
const SEARCH_MAX = 50_000

/** A ruling and the place of its message. */
export interface PlacedRuling {
  readonly sequence: number
  readonly fingerprint: number
  readonly ruling: Ruling
}

/** What OUT holds past a place. */
export interface OutputTail {
  readonly lastNumber: number
  readonly hasDecisions: boolean
  readonly digests: ReadonlyMap<number, string>
  readonly rulings: readonly PlacedRuling[]
  /** Engines that made what a replay must make again, as far as their claims say. */
  readonly makers: readonly Partial<EngineIdentity>[]
}

/** Where the tail begins that an image does not know. */
export function chainStartOf(head: ManifestHead | null): ChainStart {
  if (head === null) return { outputSequence: 0, decisionNumber: 0, digest: '' }
  const { outputSequence, decisionNumber, digestLow, digestHigh } = head
  return { outputSequence, decisionNumber, digest: formatDigest(digestLow, digestHigh) }
}

/**
 * Reads OUT past a place, up to `through`. Throws PartitionHaltedError (`output-gap`,
 * `digest-mismatch`, the latter not where a ruling says that nothing is compared).
 */
export async function readTail(
  output: OutputStream,
  start: ChainStart,
  through: number,
  head: ManifestHead | null = null,
): Promise<OutputTail> {
  const digests = new Map<number, string>()
  const chain = new ChainReader(start)
  const rulings: PlacedRuling[] = []
  const claims = new Map<number, Partial<EngineIdentity>>()
  if (head !== null) claims.set(head.epoch, head.engine)
  let makers = new Map<number, Partial<EngineIdentity>>()
  let mismatch: unknown = null
  let lastNumber = start.decisionNumber
  let hasDecisions = false
  for await (const message of output.read(start.outputSequence + 1, through)) {
    const envelope = decode(message.data) as Envelope
    if (envelope.kind === 'claim') claims.set(message.sequence, identityOf(envelope))
    if (envelope.kind === 'ruling') {
      const ruling = decodeRuling(message.data)!
      rulings.push({ sequence: message.sequence, fingerprint: crc32(message.data), ruling })
      if (ruling.baseline !== undefined) {
        lastNumber = Math.max(lastNumber, ruling.baseline.said.number)
        if (!ruling.baseline.isCompared) {
          makers = new Map()
          mismatch = null
        }
      }
    }
    try {
      const link = chain.next(message)
      if (link === null) continue
      hasDecisions = true
      digests.set(link.last, link.digest)
      lastNumber = Math.max(lastNumber, link.last)
      const { epoch = 0 } = envelope
      if (link.last > (head?.decisionNumber ?? 0)) {
        makers.set(epoch, claims.get(epoch) ?? head?.engine ?? {})
      }
    } catch (error) {
      const isMismatch = error instanceof PartitionHaltedError && error.reason === 'digest-mismatch'
      if (!isMismatch) throw error
      mismatch = error
    }
  }
  if (mismatch !== null) throw mismatch
  return { lastNumber, hasDecisions, digests, rulings, makers: [...makers.values()] }
}

/** What a claim or a message of decisions says of itself, besides the chain. */
interface Envelope {
  readonly kind?: string
  readonly epoch?: number
  readonly engine?: string
  readonly runtime?: string
  readonly tzdata?: string
  readonly architecture?: string
}

/** Claims of older engines name their version alone. */
function identityOf({ engine, runtime, tzdata, architecture }: Envelope): Partial<EngineIdentity> {
  const known = { version: engine, runtime, tzdata, architecture }
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined))
}

/**
 * A new engine may decide otherwise: it starts only where nothing that OUT holds must be made
 * again. Throws PartitionHaltedError('engine-version').
 */
export function checkMakers(tail: OutputTail, now: EngineIdentity): void {
  for (const maker of tail.makers) {
    const differs = Object.entries(maker).some(
      ([key, value]) => now[key as keyof EngineIdentity] !== value,
    )
    if (!differs) continue
    const text =
      `decisions after the image were made by ${describe(maker)}, this is ${describe(now)}, and ` +
      'they would have to be made again: run `highwater settle` with the engine that made them'
    throw new PartitionHaltedError('engine-version', text)
  }
}

function describe({ version, runtime, tzdata, architecture }: Partial<EngineIdentity>): string {
  if (runtime === undefined) return `${version}`
  return `${version} (${runtime}, tzdata ${tzdata}, ${architecture})`
}

/**
 * The last ruling that says that OUT goes on at its own place, in this incarnation and for such an
 * image; null: none.
 */
export async function findOutputBaseline(
  output: OutputStream,
  { created, firstSequence, lastSequence }: StreamState,
  head: ManifestHead | null,
): Promise<PlacedRuling | null> {
  const least = Math.max(firstSequence, lastSequence - SEARCH_MAX)
  for await (const { sequence, data } of readBack(output, lastSequence, least)) {
    const ruling = decodeRuling(data)
    const place = ruling?.baseline?.output
    if (!ruling || place?.created !== created || place.era < (head?.outputEra ?? 0)) continue
    return { sequence, fingerprint: crc32(data), ruling }
  }
  return null
}

/** Decisions above `number` in messages before `sequence`, oldest first; holes are passed over. */
export async function readSaid(
  output: OutputStream,
  { firstSequence }: StreamState,
  sequence: number,
  number: number,
): Promise<SaidDecision[]> {
  const batches: SaidDecision[][] = []
  let least = Number.POSITIVE_INFINITY
  for await (const { data } of readBack(output, sequence - 1, firstSequence)) {
    const envelope = decode(data) as { kind?: string; last?: number; decisions?: SaidDecision[] }
    if (envelope.kind !== 'decisions') continue
    if (envelope.last! <= number) break
    const fresh = envelope.decisions!.filter(({ n }) => n > number && n < least)
    batches.push(fresh)
    least = Math.min(least, ...fresh.slice(0, 1).map(({ n }) => n))
  }
  return batches.reverse().flat()
}

/** The last message of decisions in OUT, whole; null: there is none. */
export async function readLastSaid(
  output: OutputStream,
  { firstSequence, lastSequence }: StreamState,
): Promise<{ sequence: number; digest: string; last: SaidDecision } | null> {
  for await (const { sequence, data } of readBack(output, lastSequence, firstSequence)) {
    const envelope = decode(data) as {
      kind?: string
      digest?: string
      decisions?: SaidDecision[]
    }
    const last = envelope.kind === 'decisions' ? envelope.decisions?.at(-1) : undefined
    if (last !== undefined) return { sequence, digest: envelope.digest!, last }
  }
  return null
}

/** Messages from `lastSequence` down to `firstSequence`; what OUT does not hold is passed over. */
export async function* readBack(
  output: OutputStream,
  lastSequence: number,
  firstSequence: number,
): AsyncGenerator<OutputMessage> {
  const least = Math.max(1, firstSequence)
  for (let to = lastSequence; to >= least; to -= BACK_STEP) {
    const from = Math.max(least, to - BACK_STEP + 1)
    yield* (await readStep(output, from, to)).reverse()
  }
}

async function readStep(output: OutputStream, from: number, to: number): Promise<OutputMessage[]> {
  const messages: OutputMessage[] = []
  try {
    for await (const message of output.read(from, to)) messages.push(message)
    return messages
  } catch (error) {
    const isHole = error instanceof PartitionHaltedError && error.reason === 'output-gap'
    if (!isHole) throw error
    if (from === to) return []
  }
  const middle = Math.floor((from + to) / 2)
  const [before, after] = [
    await readStep(output, from, middle),
    await readStep(output, middle + 1, to),
  ]
  return [...before, ...after]
}
