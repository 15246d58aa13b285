/**
 * Everything about an image that can be checked without deciding anything: each check says what it
 * found, and a failed one does not keep the others from being made, as far as they can be.
 */

import { decode } from '@msgpack/msgpack'
import { HighwaterError } from '../errors.ts'
import type { ConfigFiles } from '../model/catalog.ts'
import type { ImageReader } from '../model/backup.ts'
import { SUBSCRIBER_MAX } from '../model/usage.ts'
import { partitionOf } from '../model/wire.ts'
import { parseCatalog } from '../rules/parse-catalog.ts'
import { LEDGER_ROW_SIZE, LEDGER_TABLE } from '../state/ledger.ts'
import { openPage, PAGE_HEAD_SIZE } from '../state/page-image.ts'
import { PagedTable } from '../state/paged-table.ts'
import { PRODUCER_MAP_SIZE, type ProducerImage } from '../state/producers.ts'
import { NO_SUBSCRIBER } from '../state/subscriber-index.ts'
import { committedPages } from './backup.ts'
import type { PartitionCore } from './core.ts'
import { loadImage, type ManifestHead, readManifestHead } from './image.ts'
import { PartitionMachine } from './machine.ts'
import { findLedgerDamage, findTimerDamage } from './verify-ledger.ts'

/** One check. `skipped`: it could not be made, and `detail` says why. */
export interface Check {
  readonly name: string
  readonly outcome: 'ok' | 'failed' | 'skipped'
  readonly detail: string
}

/** What came of checking an image. `head`: null when there is none, or none that can be read. */
export interface ImageVerdict {
  readonly head: ManifestHead | null
  readonly checks: readonly Check[]
}

/** Whose image it must be. */
export interface ImageOwner {
  readonly partition: number
  readonly partitionCount: number
}

/** Problems of one kind that are named; more are only counted. */
const NAMED_MAX = 3

/** Checks an image whole. Loads it, so it takes the memory of a worker of this partition. */
export function verifyImage(image: ImageReader, owner: ImageOwner): ImageVerdict {
  const checks: Check[] = []
  let head: ManifestHead | null = null
  const run = (name: string, check: () => string): boolean => {
    try {
      checks.push({ name, outcome: 'ok', detail: check() })
      return true
    } catch (error) {
      checks.push({ name, outcome: 'failed', detail: reasonOf(error) })
      return false
    }
  }
  const isReadable = run('manifest', () => {
    head = readManifestHead(image)
    if (head === null) return 'no image: the partition begins with genesis'
    checkManifest(image.readManifest(), head, owner)
    return `generation ${head.generation}, input ${head.sequence}, decision ${head.decisionNumber}`
  })
  const found = head as ManifestHead | null
  if (found === null) return { head: null, checks }
  const arePagesWhole = run('pages', () => checkPages(image, found))
  run('configuration', () => checkConfiguration(image, found))
  run('producers', () => checkProducers(found.producers))
  if (!isReadable || !arePagesWhole) {
    const detail = 'the image cannot be loaded'
    for (const name of STATE_CHECKS) checks.push({ name, outcome: 'skipped', detail })
    return { head: found, checks }
  }
  let core: PartitionCore | null = null
  const isLoaded = run('load', () => {
    core = load(image, found, owner.partition)
    const [hot] = core.tables
    return `${hot!.rowCount} rows of subscribers, ${core.ledger.table.rowCount} of deliveries`
  })
  if (!isLoaded || core === null) return { head: found, checks }
  const loaded: PartitionCore = core
  run('index', () => checkIndex(loaded))
  run('ledger', () => demand(findLedgerDamage(loaded), `${loaded.ledger.table.rowCount} rows`))
  run('timers', () => demand(findTimerDamage(loaded), `${loaded.heap.count} due`))
  return { head: found, checks }
}

const STATE_CHECKS = ['load', 'index', 'ledger', 'timers']

/** What an error says, with the halt's reason or the error's code in front. */
export function reasonOf(error: unknown): string {
  if (error instanceof HighwaterError) {
    return 'reason' in error ? error.message : `${error.code} ${error.message}`
  }
  return error instanceof Error ? error.message : String(error)
}

function demand(problems: readonly string[], fine: string): string {
  if (problems.length === 0) return fine
  const named = problems.slice(0, NAMED_MAX).join('; ')
  const more = problems.length - NAMED_MAX
  throw new Error(more > 0 ? `${named}; and ${more} more` : named)
}

function checkManifest(
  manifest: ReadonlyMap<string, Uint8Array>,
  head: ManifestHead,
  owner: ImageOwner,
): void {
  const problems: string[] = []
  const { partition, partitionCount } = head.genesis
  if (partition !== owner.partition || partitionCount !== owner.partitionCount) {
    problems.push(`it is of partition ${partition} of ${partitionCount}`)
  }
  const expected = new Set(['head', 'files'])
  for (const { id, rowCount } of head.tables) {
    const table = emptyTable(head, id)
    if (table === null) {
      problems.push(`its layout has no table ${id}`)
      continue
    }
    const pageCount = (rowCount + (1 << table.pageShift) - 1) >>> table.pageShift
    for (const [key, size] of [
      [`slots/${id}`, pageCount],
      [`sums/${id}`, 4 * pageCount],
    ] as const) {
      expected.add(key)
      const length = manifest.get(key)?.byteLength
      if (length !== size) problems.push(`${key} has ${length ?? 'no'} bytes, not ${size}`)
    }
    if (manifest.get(`slots/${id}`)?.some((slot) => slot > 1)) {
      problems.push(`slots/${id} names a slot that no page has`)
    }
  }
  for (let id = 0; id < head.layout.tables.length; id++) {
    if (!expected.has(`slots/${id}`)) problems.push(`table ${id} of the layout is missing`)
  }
  for (const key of manifest.keys()) {
    if (!expected.has(key)) problems.push(`it has an entry ${key} that nothing needs`)
  }
  demand(problems, '')
}

/** An empty table with the measures of one of the image's; null when the layout lacks it. */
function emptyTable(head: ManifestHead, id: number): PagedTable | null {
  if (id === LEDGER_TABLE) return new PagedTable(id, LEDGER_ROW_SIZE)
  const strideSize = head.layout.tables[id]?.strideSize
  return strideSize === undefined ? null : new PagedTable(id, strideSize)
}

function checkPages(image: ImageReader, head: ManifestHead): string {
  const manifest = image.readManifest()
  const problems: string[] = []
  let pageCount = 0
  for (const { id } of head.tables) {
    const table = emptyTable(head, id)
    const sums = manifest.get(`sums/${id}`)
    if (table === null || sums === undefined) continue
    const sumAt = new DataView(sums.buffer, sums.byteOffset, sums.byteLength)
    const { strideSize } = table
    for (const address of committedPages(manifest, { ...head, tables: [{ id, rowCount: 0 }] })) {
      const { page } = address
      pageCount += 1
      try {
        const bytes = image.readPage(address)
        if (bytes === null || bytes.byteLength !== PAGE_HEAD_SIZE + table.pageSize) {
          problems.push(`page-missing: page ${page} of table ${id} is missing`)
          continue
        }
        const sum = sumAt.getUint32(4 * page, true)
        openPage(bytes, { table: id, page, strideSize, generation: head.generation, sum })
      } catch (error) {
        problems.push(reasonOf(error))
      }
    }
  }
  return demand(problems, `${pageCount} of ${pageCount}`)
}

function checkConfiguration(image: ImageReader, head: ManifestHead): string {
  const files = image.readManifest().get('files')
  if (files === undefined) throw new Error('it is missing')
  const { catalog } = parseCatalog(decode(files) as ConfigFiles)
  return `generation ${head.configGeneration}, ${catalog.triggers.length} triggers`
}

function checkProducers(producers: readonly ProducerImage[]): string {
  const problems: string[] = []
  const keys = new Set<string>()
  for (const [key, epoch, highest, applied] of producers) {
    if (keys.has(key)) problems.push(`producer ${key} is there twice`)
    keys.add(key)
    const bitCount = PRODUCER_MAP_SIZE + 32
    const isRight =
      Number.isSafeInteger(epoch) &&
      Number.isSafeInteger(highest) &&
      highest >= 0 &&
      applied.byteLength === bitCount / 8 &&
      ((applied[(highest % bitCount) >>> 3]! >>> ((highest % bitCount) & 7)) & 1) === 1
    if (!isRight) problems.push(`producer ${key} has an impossible record`)
  }
  return demand(problems, `${producers.length}`)
}

function load(image: ImageReader, head: ManifestHead, partition: number): PartitionCore {
  const machine = new PartitionMachine(partition)
  const loaded = loadImage(image, head, machine.outbox, machine.rejects)
  machine.adopt(loaded.core, parseCatalog(loaded.files).catalog)
  return loaded.core
}

/** Each subscriber has one row, which the rebuilt index finds; rows given up have none. */
function checkIndex(core: PartitionCore): string {
  const { partition, partitionCount } = core.genesis
  const problems: string[] = []
  let count = 0
  // More than there are subscribers: some were given up.
  const slotCount = core.tables[0]!.rowCount
  for (let slot = 0; slot < slotCount; slot++) {
    const subscriber = core.subscriberOf(slot)
    if (subscriber === NO_SUBSCRIBER) continue
    count += 1
    // No subscriber is named: only where the problem lies.
    if (!Number.isInteger(subscriber) || subscriber < 0 || subscriber > SUBSCRIBER_MAX) {
      problems.push(`slot ${slot} holds no subscriber number`)
    } else if (partitionOf(subscriber, partitionCount) !== partition) {
      problems.push(`slot ${slot} holds a subscriber of another partition`)
    } else {
      const found = core.index.find(subscriber)
      if (found !== slot) problems.push(`slots ${found} and ${slot} hold one subscriber`)
    }
  }
  return demand(problems, `${count} subscribers in ${slotCount} slots`)
}
