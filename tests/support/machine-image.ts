/** Checkpoints of a machine in memory, one page at a time, and machines loaded from them. */

import type { PageStore } from '../../src/model/ports.ts'
import {
  type CoreSnapshot,
  loadImage,
  manifestEntries,
  readManifestHead,
  snapshotCore,
  tablesOf,
} from '../../src/partition/image.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'
import { ImageSweep, PageBuffers, type SlotMaps } from '../../src/state/image-sweep.ts'

const ENGINE = { version: 'test', runtime: 'test', tzdata: 'test', architecture: 'test' }
const POSITION = {
  inputCreated: 'in',
  outputCreated: 'out',
  outputSequence: 0,
  outputFingerprint: 0,
  epoch: 1,
}

/** Writes images of one machine into a store. One attempt at a time, as the checkpointer does. */
export class ImageWriter {
  readonly #store: PageStore
  readonly #buffers = new PageBuffers()
  #committed: SlotMaps
  #generation: number
  #attempt: { sweep: ImageSweep; snapshot: CoreSnapshot } | null = null

  constructor(store: PageStore, committed: SlotMaps = new Map(), generation = 0) {
    this.#store = store
    this.#committed = committed
    this.#generation = generation
  }

  get isRunning(): boolean {
    return this.#attempt !== null
  }

  /** Fixes the image at the machine's position. */
  begin(machine: PartitionMachine): void {
    const core = machine.core!
    this.#generation += 1
    const snapshot = snapshotCore(core, this.#generation)
    const tables = tablesOf(core)
    const sweep = new ImageSweep(tables, this.#committed, this.#generation, this.#buffers)
    this.#attempt = { sweep, snapshot }
  }

  /** Writes up to `pages` pages; true when none is left. */
  write(pages: number): boolean {
    const { sweep } = this.#attempt!
    for (let i = 0; i < pages; i++) {
      const page = sweep.next()
      if (page === null) return true
      this.#store.writePage(page.address, page.bytes)
      sweep.release(page.bytes)
    }
    return sweep.remainingCount === 0
  }

  /** Commits a fully written attempt. */
  commit(): void {
    const { sweep, snapshot } = this.#attempt!
    this.#store.commitManifest(manifestEntries(snapshot, sweep, POSITION, ENGINE))
    this.#committed = sweep.slotMaps()
    this.#attempt = null
  }

  /** Gives the attempt up; what it wrote stays in the store. */
  abandon(): void {
    this.#attempt!.sweep.abandon()
    this.#attempt = null
  }
}

/** A machine from the store's image, and a writer that goes on from it; null when it holds none. */
export function loadMachine(
  store: PageStore,
  partition = 0,
): { machine: PartitionMachine; writer: ImageWriter } | null {
  const head = readManifestHead(store)
  if (head === null) return null
  const machine = new PartitionMachine(partition)
  const image = loadImage(store, head, machine.outbox, machine.rejects)
  machine.adopt(image.core, parseCatalog(image.files).catalog)
  return { machine, writer: new ImageWriter(store, image.slotMaps, head.generation) }
}

/** Everything of a machine's state that an image holds, to compare two machines by. */
export function stateOf(machine: PartitionMachine): Record<string, unknown> {
  const core = machine.core!
  const pages: Record<string, unknown> = {}
  for (const table of tablesOf(core)) {
    for (let page = 0; page < table.pageCount; page++) {
      pages[`${table.id}/${page}`] = Buffer.from(table.pageBytes(page)).toString('base64')
    }
  }
  const { generation: _, ...snapshot } = snapshotCore(core, 0)
  return { ...snapshot, pages, timers: core.heap.count }
}
