/**
 * Single bits turned in the file of a stopped worker's store. In a page of the image or in its
 * manifest: always found, by a start and by `verify`, as `page-checksum`. In LMDB's own structure
 * or anywhere else: found, or without any effect, or an earlier commit that a start goes on from.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { committedPages } from '../../src/partition/backup.ts'
import { readManifestHead } from '../../src/partition/image.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { Random } from '../support/workload/random.ts'
import type { Comparison } from './comparison.ts'
import { type EnvironmentMap, mapEnvironment, type StoredValue } from './environment-map.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import type { FlipAnswer, FlipOrder } from './flip-reader.ts'
import { openRoom, reasonOf, type StorageRoom, sumUp } from './storage-room.ts'
import { Tally } from './tally.ts'

const DELIVERIES = 2_500
/** Flips for each of which a real worker is started over one of them. */
const FLIPS_PER_START = 50

/** Where a bit is turned. */
type Target = 'page' | 'manifest' | 'other slot' | 'structure' | 'anywhere'

const TARGETS: readonly Target[] = [
  ...(['page', 'page', 'page', 'page', 'manifest'] as const),
  ...(['other slot', 'structure', 'structure', 'anywhere'] as const),
]

interface Flip extends FlipOrder {
  readonly target: Target
}

/** Bits of the whole file. */
export const BIT_FLIP: FaultFamily = {
  name: 'bit-flip',
  summary:
    'one bit of the store turned: page-checksum in all that we wrote, never a wrong decision',
  runs: 2_000,
  runsPerEpisode: 250,
  play,
}

async function play({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const random = new Random(seed)
  const room = await openRoom(seed, DELIVERIES)
  const tally = new Tally()
  const comparisons: Comparison[] = []
  try {
    await makeImage(room)
    const file = await readFile(join(room.store, 'state.mdb'))
    const map = mapEnvironment(file)
    const committed = await committedKeys(room)
    const reader = new FlipReader(room)
    const sound = await reader.read({ offset: -1, bit: 0 }, file)
    const started: Flip[] = []
    for (let run = 0; run < runs; run++) {
      const flip = chooseFlip(map, committed, file.length, random)
      const answer = await reader.read(flip, file)
      const problem = judge(flip, answer, sound)
      if (problem !== null) tally.failures.push(`${flip.target}, byte ${flip.offset}: ${problem}`)
      else if (answer?.refusal !== null) tally.haltedCleanly += 1
      // What loads as something else than the last image must be seen to go on rightly.
      const isOther = answer?.refusal === null && answer.state !== sound?.state
      if (isOther || run % FLIPS_PER_START === 0) started.push(flip)
      tally.runs += 1
      if (run % 25 === 24) say(`${run + 1} of ${runs} flips`)
    }
    reader.close()
    for (const flip of started) {
      comparisons.push(await startOver(room, flip, file, tally))
      say(`a worker over a flip in ${flip.target}`)
    }
    await room.putBack()
    comparisons.push(await finish(room, tally))
    return tally.result(sumUp(comparisons))
  } finally {
    await room.close()
  }
}

/** Several lives and checkpoints: stale copies, free pages, both slots. */
async function makeImage(room: StorageRoom): Promise<void> {
  for (const share of [0.1, 0.2, 0.4, 0.6]) {
    const worker = await room.start(20)
    await room.feeder.feedUntil(share, 100)
    await room.settle(worker)
    await room.installation.stop(worker)
  }
  await room.keep()
}

function chooseFlip(
  map: EnvironmentMap,
  committed: ReadonlySet<number>,
  fileSize: number,
  random: Random,
): Flip {
  const bit = random.whole(0, 7)
  const target = random.pick(TARGETS)
  if (target === 'anywhere') return { target, bit, offset: random.whole(0, fileSize - 1) }
  if (target === 'structure') {
    const page = random.pick(map.treePages)
    // Free space within a page says nothing: most flips go where something is.
    const size = random.pick([64, 256, map.pageSize])
    const isAtEnd = random.chance(0.4)
    const within = random.whole(0, size - 1)
    return { target, bit, offset: page + (isAtEnd ? map.pageSize - 1 - within : within) }
  }
  const tree = target === 'manifest' ? 'manifest' : 'pages'
  const values = map.values.filter((value) => {
    return value.tree === tree && (target === 'other slot') !== committed.has(keyOf(value))
  })
  // After an erasure the store holds nothing but what is committed.
  if (values.length === 0) return chooseFlip(map, committed, fileSize, random)
  const { offset, size } = random.pick(values)
  return { target, bit, offset: offset + random.whole(0, size - 1) }
}

/** Keys of the pages that the manifest names, and of the manifest. */
async function committedKeys(room: StorageRoom): Promise<ReadonlySet<number>> {
  const store = await openStore(room.store)
  try {
    const pages = committedPages(store.readManifest(), readManifestHead(store)!)
    const keys = [...pages].map(({ table, page, slot }) => (table * 2 ** 23 + page) * 2 + slot)
    return new Set([...keys, MANIFEST])
  } finally {
    await store.close()
  }
}

const MANIFEST = -1

function keyOf({ tree, key }: StoredValue): number {
  return tree === 'pages' ? key.readUInt32LE(0) : MANIFEST
}

/** What is wrong with an answer; null: it is as it must be. */
function judge(flip: Flip, answer: FlipAnswer | null, sound: FlipAnswer | null): string | null {
  if (answer === null) return 'the process that read it died'
  const { refusal, state, verdict } = answer
  if (refusal?.startsWith('unexpected')) return refusal
  if ((refusal === null) !== (verdict === null)) return `start: ${refusal}, verify: ${verdict}`
  if (flip.target === 'manifest' && refusal !== 'page-checksum') return `start: ${refusal}`
  if (flip.target === 'page' && refusal !== 'page-checksum') return `start: ${refusal}`
  // Nobody reads what is not committed.
  if (flip.target === 'other slot' && state !== sound?.state) return `start: ${refusal}`
  return null
}

/** A real worker over one flip: it halts as it must, or decides as if nothing had been. */
async function startOver(
  room: StorageRoom,
  flip: Flip,
  file: Buffer,
  tally: Tally,
): Promise<Comparison> {
  await room.putBack()
  const bytes = Buffer.from(file)
  bytes[flip.offset]! ^= 1 << flip.bit
  await writeFile(join(room.store, 'state.mdb'), bytes)
  try {
    const worker = await room.start()
    const reason = reasonOf(worker.worker.halt)
    await worker.crash()
    if (reason !== null) return NOTHING
  } catch (error) {
    if ((error as { code?: string }).code === 'HW_STORE') return NOTHING
    throw error
  }
  return finish(room, tally)
}

const NOTHING: Comparison = { deliveriesCompared: 0, lost: 0, duplicated: 0, failures: [] }

async function finish(room: StorageRoom, tally: Tally): Promise<Comparison> {
  const startedAtMs = performance.now()
  const last = await room.start()
  tally.noteRecovery((performance.now() - startedAtMs) / 1000)
  await room.feeder.feedUntil(1)
  await room.settle(last)
  const comparison = await room.compare(last)
  await last.crash()
  return comparison
}

/** The reading process, started again when LMDB ends it. */
class FlipReader {
  readonly #room: StorageRoom
  #child: ChildProcess | null = null

  constructor(room: StorageRoom) {
    this.#room = room
  }

  /** Null: the process died. */
  async read({ offset, bit }: FlipOrder, file: Buffer): Promise<FlipAnswer | null> {
    const child = this.#child ?? (await this.#start(file))
    const ended = once(child, 'exit').then(() => null)
    const answered = once(child, 'message').then(([message]) => message as FlipAnswer)
    child.send({ offset, bit } satisfies FlipOrder)
    const answer = await Promise.race([answered, ended])
    if (answer === null) this.#child = null
    return answer
  }

  close(): void {
    this.#child?.kill('SIGKILL')
  }

  async #start(file: Buffer): Promise<ChildProcess> {
    const directory = join(this.#room.installation.directory, 'flips')
    const pristine = join(this.#room.installation.directory, 'pristine.mdb')
    await mkdir(directory, { recursive: true })
    await writeFile(pristine, file)
    this.#child = fork(join(import.meta.dirname, 'flip-reader.ts'), [directory, pristine], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    return this.#child
  }
}
