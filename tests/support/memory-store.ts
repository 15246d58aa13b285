/**
 * A page store in memory: what LMDB promises and no more. Pages of attempts that nobody committed
 * stay.
 */

import type { PageAddress, PageStore } from '../../src/model/ports.ts'

/**
 * Synchronous but for its signatures. `manifest` and `pages` may be looked at and damaged by a
 * test.
 */
export class MemoryStore implements PageStore {
  manifest: ReadonlyMap<string, Uint8Array> = new Map()
  readonly pages = new Map<string, Uint8Array>()

  readManifest(): ReadonlyMap<string, Uint8Array> {
    return this.manifest
  }

  readPage(address: PageAddress): Uint8Array | null {
    return this.pages.get(keyOf(address)) ?? null
  }

  writePage(address: PageAddress, bytes: Uint8Array): Promise<void> {
    this.pages.set(keyOf(address), bytes.slice())
    return Promise.resolve()
  }

  commitManifest(entries: ReadonlyMap<string, Uint8Array>): Promise<void> {
    this.manifest = new Map([...entries].map(([key, bytes]) => [key, bytes.slice()]))
    return Promise.resolve()
  }

  diskSize(): number {
    return [...this.pages.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** The same content, apart: what happens to one does not happen to the other. */
  clone(): MemoryStore {
    const clone = new MemoryStore()
    clone.manifest = new Map(this.manifest)
    for (const [key, bytes] of this.pages) clone.pages.set(key, bytes.slice())
    return clone
  }
}

/** Key of a page in `MemoryStore.pages`: `table/page/slot`. */
export function keyOf({ table, page, slot }: PageAddress): string {
  return `${table}/${page}/${slot}`
}
