/**
 * A partition's whole state as pages and manifest entries, and back. Everything small goes into the
 * manifest as MessagePack, taken at the attempt's position; everything large is pages.
 */

import { decode, encode } from '@msgpack/msgpack'
import { assert, PartitionHaltedError } from '../errors.ts'
import type { ImageReader } from '../model/backup.ts'
import type { ConfigFiles } from '../model/catalog.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { Rejects } from '../outbox/rejects.ts'
import type { ImageSweep, SlotMaps } from '../state/image-sweep.ts'
import type { LayoutImage } from '../state/layout.ts'
import { LEDGER_TABLE } from '../state/ledger.ts'
import { openPage, PAGE_HEAD_SIZE } from '../state/page-image.ts'
import { PAGE_CLEAN, type PagedTable } from '../state/paged-table.ts'
import type { ProducerImage } from '../state/producers.ts'
import type { Cancellation } from './cancelling.ts'
import type { CapacityImage } from './capacity.ts'
import { type Genesis, PartitionCore } from './core.ts'
import type { Ruling } from './rulings.ts'
import { imageOfSelections, restoreSelections } from './selection-state.ts'

/** Version of the layout of pages and manifest. */
export const IMAGE_VERSION = 4

/**
 * What the engine that wrote an image was; a new one starts only from an image with nothing
 * outstanding.
 */
export interface EngineIdentity {
  readonly version: string
  readonly runtime: string
  readonly tzdata: string
  readonly architecture: string
}

/** Where the image stands in both streams. */
export interface StreamPosition {
  readonly inputCreated: string
  readonly outputCreated: string
  /** Last OUT sequence that the image's decisions are known to stand at or before. */
  readonly outputSequence: number
  /** Last OUT sequence acknowledged when the manifest was written: OUT may never end before it. */
  readonly outputEndSequence?: number
  /** Fingerprint of the message at outputSequence; 0 when that is 0. */
  readonly outputFingerprint: number
  readonly epoch: number
  /** Erasures up to this input have left nothing in the store's file. */
  readonly cleanSequence?: number
}

/** The manifest's main entry. */
export interface ManifestHead extends StreamPosition {
  readonly imageVersion: number
  readonly engine: EngineIdentity
  readonly generation: number
  readonly sequence: number
  readonly fingerprint: number
  readonly decisionNumber: number
  readonly digestLow: number
  /** Absent: 0, and no rulings ahead. */
  readonly era?: number
  readonly outputEra?: number
  readonly rulings?: readonly Ruling[]
  readonly digestHigh: number
  readonly clockMs: number
  readonly nextCandidateId: number
  readonly cleanupRow: number
  readonly ledgerFreeHead: number
  readonly subscriberFreeHead: number
  readonly erasureSequence: number
  readonly incarnations: readonly (readonly [group: number, count: number])[]
  readonly genesis: Genesis
  readonly configGeneration: number
  readonly controlIds: readonly string[]
  /** Absent: none. */
  readonly offerIds?: readonly string[]
  readonly cancellations: readonly Cancellation[]
  /** Left out: no pass over members is under way. */
  readonly journeySweep?: number
  readonly capacity: CapacityImage
  readonly producers: readonly ProducerImage[]
  readonly layout: LayoutImage
  /** What `imageOfSelections` makes. */
  readonly selections?: unknown
  readonly tables: readonly { readonly id: number; readonly rowCount: number }[]
}

/** State taken between two inputs, when a checkpoint attempt begins. */
export type CoreSnapshot = Omit<ManifestHead, keyof StreamPosition | 'engine' | 'tables'> & {
  readonly files: ConfigFiles
}

/**
 * Takes everything that is not in pages. Call between two inputs, together with `new ImageSweep`.
 */
export function snapshotCore(core: PartitionCore, generation: number): CoreSnapshot {
  const { outbox } = core
  return {
    imageVersion: IMAGE_VERSION,
    generation,
    sequence: core.sequence,
    fingerprint: core.fingerprint,
    decisionNumber: outbox.decisionNumber,
    digestLow: outbox.digest.low,
    era: core.era,
    outputEra: core.outputEra,
    rulings: core.rulings.ahead(core.era, core.sequence),
    digestHigh: outbox.digest.high,
    clockMs: core.clockMs,
    nextCandidateId: core.nextCandidateId,
    cleanupRow: core.cleanupRow,
    ledgerFreeHead: core.ledger.freeHead,
    subscriberFreeHead: core.index.freeHead,
    erasureSequence: core.erasureSequence,
    incarnations: core.incarnations.image(),
    genesis: core.genesis,
    configGeneration: core.generation,
    controlIds: [...core.controlIds],
    offerIds: [...core.offerIds],
    cancellations: structuredClone(core.cancellations),
    ...(core.journeySweep === -1 ? {} : { journeySweep: core.journeySweep }),
    capacity: core.capacity.image(),
    producers: core.producers.image(),
    layout: structuredClone(core.layout),
    selections: imageOfSelections(core.selections),
    files: core.files,
  }
}

/** All tables of a core that pages are written of. */
export function tablesOf(core: PartitionCore): PagedTable[] {
  return [...core.tables, core.ledger.table]
}

/** Manifest entries of a finished sweep. */
export function manifestEntries(
  snapshot: CoreSnapshot,
  sweep: ImageSweep,
  position: StreamPosition,
  engine: EngineIdentity,
): Map<string, Uint8Array> {
  const { files, ...rest } = snapshot
  const tables = [...sweep.rowCounts()].map(([id, rowCount]) => ({ id, rowCount }))
  const head: ManifestHead = { ...rest, ...position, engine, tables }
  const entries = new Map<string, Uint8Array>()
  entries.set('head', encode(head))
  entries.set('files', encode(files))
  for (const [table, slots] of sweep.slotMaps()) entries.set(`slots/${table}`, slots)
  for (const [table, sums] of sweep.pageSums()) entries.set(`sums/${table}`, sums)
  return entries
}

/** A loaded image. `slotMaps` says where the next attempt may not write. */
export interface LoadedImage {
  readonly head: ManifestHead
  readonly files: ConfigFiles
  readonly slotMaps: SlotMaps
  readonly core: PartitionCore
}

/** Reads the manifest's head; null when the store holds no image. Throws PartitionHaltedError. */
export function readManifestHead(store: ImageReader): ManifestHead | null {
  const head = store.readManifest().get('head')
  if (head === undefined) return null
  const manifest = decode(head) as ManifestHead
  if (manifest.imageVersion !== IMAGE_VERSION) {
    const text = `the image has layout version ${manifest.imageVersion}, we read ${IMAGE_VERSION}`
    throw new PartitionHaltedError('engine-version', text)
  }
  return manifest
}

/** Loads an image whole. Throws PartitionHaltedError for a page that is missing or damaged. */
export function loadImage(
  store: ImageReader,
  head: ManifestHead,
  outbox: Outbox,
  rejects: Rejects,
): LoadedImage {
  const manifest = store.readManifest()
  const files = decode(required(manifest, 'files')) as ConfigFiles
  const slotMaps: SlotMaps = new Map()
  const core = new PartitionCore(head.genesis, outbox, rejects, structuredClone(head.layout))
  core.addTables()
  const subscribers = head.tables.find(({ id }) => id === 0)?.rowCount ?? 0
  core.openSubscribers(subscribers)
  for (const { id, rowCount } of head.tables) {
    const table = id === LEDGER_TABLE ? core.ledger.table : core.tables[id]
    assert(table !== undefined, 'the manifest names a table that the layout lacks')
    table.growTo(rowCount)
    const slots = Uint8Array.from(required(manifest, `slots/${id}`))
    slotMaps.set(id, slots)
    loadTable(store, table, slots, required(manifest, `sums/${id}`), head.generation)
  }
  core.alignTables()
  core.index.freeHead = head.subscriberFreeHead
  core.index.rebuild()
  restoreScalars(core, head, files)
  core.rebuildHeap()
  outbox.restore(head.decisionNumber, head.digestLow, head.digestHigh)
  return { head, files, slotMaps, core }
}

function loadTable(
  store: ImageReader,
  table: PagedTable,
  slots: Uint8Array,
  sums: Uint8Array,
  generation: number,
): void {
  const { id, pageCount, strideSize } = table
  if (slots.byteLength !== pageCount || sums.byteLength !== 4 * pageCount) {
    throw new PartitionHaltedError('page-missing', `table ${id} has no slot for every page`)
  }
  new Uint8Array(table.pageSums.buffer).set(sums)
  for (let page = 0; page < pageCount; page++) {
    const image = store.readPage({ table: id, page, slot: slots[page] === 1 ? 1 : 0 })
    if (image === null || image.byteLength !== PAGE_HEAD_SIZE + table.pageSize) {
      throw new PartitionHaltedError('page-missing', `page ${page} of table ${id} is missing`)
    }
    const sum = table.pageSums[page]!
    table.pageBytes(page).set(openPage(image, { table: id, page, strideSize, generation, sum }))
    table.pageFlags[page] = PAGE_CLEAN
  }
}

function restoreScalars(core: PartitionCore, head: ManifestHead, files: ConfigFiles): void {
  core.files = files
  core.generation = head.configGeneration
  core.sequence = head.sequence
  core.fingerprint = head.fingerprint
  core.clockMs = head.clockMs
  core.nextCandidateId = head.nextCandidateId
  core.era = head.era ?? 0
  core.outputEra = head.outputEra ?? 0
  core.rejects.era = core.era
  core.cleanupRow = head.cleanupRow
  core.controlIds = [...head.controlIds]
  core.offerIds = new Set(head.offerIds)
  core.cancellations = structuredClone([...head.cancellations])
  core.journeySweep = head.journeySweep ?? -1
  core.capacity.restore(head.capacity)
  core.ledger.freeHead = head.ledgerFreeHead
  core.erasureSequence = head.erasureSequence
  core.incarnations.restore(head.incarnations)
  core.producers.restore(head.producers)
  core.selections = restoreSelections(head.selections)
}

function required(manifest: ReadonlyMap<string, Uint8Array>, key: string): Uint8Array {
  const entry = manifest.get(key)
  if (entry === undefined) {
    throw new PartitionHaltedError('page-missing', `the manifest has no entry ${key}`)
  }
  return entry
}
