/**
 * Streams purged, cut back, made anew and rid of single messages, as operators, power cuts and
 * restored backups do it: each must halt the partition with its own reason before it says anything,
 * or be harmless because nothing that is still needed is gone.
 */

import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { encode } from '@msgpack/msgpack'
import { type ManifestHead, readManifestHead } from '../../src/partition/image.ts'
import { HighwaterError } from '../../src/errors.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { dropOldest, recreateStream } from '../support/stream-tampering.ts'
import type { TestWorker } from '../support/worker-harness.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import type { Comparison } from './comparison.ts'
import { openRoom, reasonOf, type StorageRoom, sumUp } from './storage-room.ts'
import { Tally } from './tally.ts'

/** Share of the story that is decided and in the image, and that is said beyond it. */
const EARLY = 0.1
const IN_IMAGE = 0.4
const SAID = 0.6
const FED = 0.7
const DELIVERIES = 1_500

/** What is done to a stream. `reason`: null where nothing that is needed is gone. */
interface Tampering {
  readonly name: string
  readonly reason: string | null
  readonly apply: (room: StorageRoom) => Promise<void>
  /** Without its image, the partition begins with genesis. */
  readonly isWithoutImage?: boolean
  /** Nothing at all is gone: all can be compared afterwards. */
  readonly isWhole?: boolean
}

/** Every way that is tried, and what must come of it. */
export const TAMPERINGS: readonly Tampering[] = [
  { name: 'IN rid of all but one', reason: 'input-gap', apply: (room) => keepOne(room, 'IN_0') },
  {
    name: 'IN without what the image holds',
    reason: null,
    apply: async (room) => dropTo(room, 'IN_0', await imageSequence(room)),
  },
  {
    name: 'IN without the input after the image',
    reason: 'input-gap',
    apply: async (room) => dropTo(room, 'IN_0', (await imageSequence(room)) + 1),
  },
  { name: 'IN made anew', reason: 'input-recreated', apply: (room) => renew(room, 'IN_0') },
  { name: 'IN made anew and empty', reason: 'HW_BROKER_REFUSED', apply: (room) => empty(room) },
  { name: 'IN cut back', reason: 'input-truncated', apply: (room) => cutBack(room, 'IN_0', 0) },
  {
    name: 'IN cut back and written again',
    reason: 'input-fingerprint',
    apply: (room) => cutBack(room, 'IN_0', 1),
  },
  {
    name: 'IN without genesis, and no image',
    reason: 'input-gap',
    isWithoutImage: true,
    apply: (room) => dropTo(room, 'IN_0', 1),
  },
  { name: 'OUT rid of all but one', reason: 'output-gap', apply: (room) => keepOne(room, 'OUT_0') },
  { name: 'OUT made anew', reason: 'output-recreated', apply: (room) => renew(room, 'OUT_0') },
  { name: 'OUT cut back', reason: 'output-truncated', apply: (room) => cutBack(room, 'OUT_0', 0) },
  {
    name: 'OUT cut back and written again',
    reason: 'output-fingerprint',
    apply: (room) => cutBack(room, 'OUT_0', 1),
  },
  {
    name: 'OUT without what the image holds',
    reason: null,
    apply: async (room) => dropTo(room, 'OUT_0', await imageOutput(room)),
  },
  { name: 'REJ rid of all but one', reason: null, apply: (room) => keepOne(room, 'REJ_0') },
  { name: 'purge and delete asked for', reason: null, isWhole: true, apply: askInVain },
]

/** All of them in turn. */
export const STREAM_TAMPERED: FaultFamily = {
  name: 'stream-tampered',
  summary: 'IN, OUT or REJ purged, cut back, made anew, or rid of messages: a halt that says which',
  runs: 10 * TAMPERINGS.length,
  runsPerEpisode: TAMPERINGS.length,
  play,
}

async function play({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const room = await openRoom(seed, DELIVERIES)
  const tally = new Tally()
  const comparisons: Comparison[] = []
  try {
    await prepare(room)
    for (let run = 0; run < runs; run++) {
      const tampering = TAMPERINGS[run % TAMPERINGS.length]!
      if (run > 0) await room.putBack()
      await tampering.apply(room)
      if (tampering.isWithoutImage === true) await forgetImage(room)
      const saidBefore = await lastOf(room, 'OUT_0')
      const startedAtMs = performance.now()
      const { after, reason } = await startOrRefuse(room)
      if (reason !== tampering.reason) {
        tally.failures.push(`${tampering.name}: ${reason}, not ${tampering.reason}`)
      } else if (reason !== null) {
        // Nothing may be said, and no claim fences anybody.
        const said = (await lastOf(room, 'OUT_0')) - saidBefore
        if (said > 0) tally.failures.push(`${tampering.name}: ${said} messages before the halt`)
        tally.haltedCleanly += 1
      } else {
        tally.noteRecovery((performance.now() - startedAtMs) / 1000)
        await goOn(room, after!)
        if (tampering.isWhole === true) comparisons.push(await room.compare(after))
      }
      await after?.crash()
      tally.runs += 1
      say(`${tampering.name}: ${reason ?? 'harmless'}`)
    }
    // What was tampered with is not comparable any more; as it was, it is.
    await room.putBack()
    const last = await room.start()
    await room.feeder.feedUntil(1)
    await room.settle(last)
    comparisons.push(await room.compare(last))
    return tally.result(sumUp(comparisons))
  } finally {
    await room.close()
  }
}

/** A worker, and why it halted or did not even start; null: neither. */
async function startOrRefuse(
  room: StorageRoom,
): Promise<{ readonly after: TestWorker | null; readonly reason: string | null }> {
  try {
    const after = await room.start()
    return { after, reason: reasonOf(after.worker.halt) }
  } catch (error) {
    if (!(error instanceof HighwaterError)) throw error
    return { after: null, reason: error.code }
  }
}

/** An image in the middle, decisions in OUT beyond it, and input beyond those; nobody at work. */
async function prepare(room: StorageRoom): Promise<void> {
  const before = await room.start(1e9)
  await room.feeder.feedUntil(EARLY)
  await room.settle(before)
  await room.keepEarlyStreams()
  await room.feeder.feedUntil(IN_IMAGE)
  await room.settle(before)
  await before.worker.checkpoint()
  const middle = (IN_IMAGE + SAID) / 2
  for (const share of [middle, SAID]) {
    await room.feeder.feedUntil(share)
    await room.settle(before)
  }
  await before.crash()
  await room.feeder.feedUntil(FED)
  await room.keep()
}

/** A harmless change: the partition reads on, decides and says. */
async function goOn(room: StorageRoom, after: TestWorker): Promise<void> {
  await room.feeder.feedUntil(1)
  const standing = await room.settle(after)
  if (standing.halt !== null) throw new Error(`it halted later: ${standing.halt}`)
}

async function headOf(room: StorageRoom): Promise<ManifestHead> {
  const store = await openStore(room.store)
  try {
    return readManifestHead(store)!
  } finally {
    await store.close()
  }
}

async function imageSequence(room: StorageRoom): Promise<number> {
  return (await headOf(room)).sequence
}

async function imageOutput(room: StorageRoom): Promise<number> {
  return (await headOf(room)).outputSequence
}

async function lastOf(room: StorageRoom, stream: string): Promise<number> {
  const manager = await room.installation.manager()
  return (await manager.streams.info(stream)).state.last_seq
}

/** What a limit does that somebody lowers. */
async function keepOne(room: StorageRoom, stream: string): Promise<void> {
  await dropOldest(room.installation, stream, 1)
}

/** The streams deny it for good, to everybody. */
async function askInVain(room: StorageRoom): Promise<void> {
  const manager = await room.installation.manager()
  for (const stream of ['IN_0', 'OUT_0']) {
    for (const ask of [
      () => manager.streams.purge(stream),
      () => manager.streams.deleteMessage(stream, 2),
    ]) {
      const isDone = await ask().catch(() => false)
      if (isDone !== false) throw new Error(`${stream} let somebody take messages away`)
    }
  }
}

async function dropTo(room: StorageRoom, stream: string, sequence: number): Promise<void> {
  await dropOldest(room.installation, stream, (await lastOf(room, stream)) - sequence)
}

async function renew(room: StorageRoom, stream: string): Promise<void> {
  const sequence = await lastOf(room, stream)
  await recreateStream(room.installation, stream)
  await fill(room, stream, sequence)
}

async function empty(room: StorageRoom): Promise<void> {
  await recreateStream(room.installation, 'IN_0')
}

/** Cuts a stream back behind the image, and fills it up again with something else, or not. */
async function cutBack(room: StorageRoom, stream: string, isFilled: 0 | 1): Promise<void> {
  const sequence = await lastOf(room, stream)
  await room.putBackStream(stream)
  if (isFilled === 1) await fill(room, stream, sequence)
}

async function fill(room: StorageRoom, stream: string, sequence: number): Promise<void> {
  const { connection } = room.installation
  const subject = stream === 'IN_0' ? 'usage.0.other' : 'out.0'
  for (let at = await lastOf(room, stream); at < sequence; at++) {
    connection.publish(subject, encode({ kind: 'other', at }))
  }
  await connection.flush()
  while ((await lastOf(room, stream)) < sequence) await sleep(5)
}

async function forgetImage(room: StorageRoom): Promise<void> {
  await rm(room.store, { recursive: true })
}
