/**
 * Hands a checkpoint's pages to the store in groups. What is handed over in one turn of the loop
 * becomes one transaction, and its two waits for the disk cost processor time, too: groups of 4 MiB
 * instead of 1 took 0.6 instead of 1.0 s of it for 655 MB (0.1 instead of 0.3 on the loop).
 */

import type { PageStore } from '../model/ports.ts'
import type { SweptPage } from '../state/image-sweep.ts'

const GROUP_SIZE = 4 * 1024 * 1024
/** Bytes of pages that the store may have and not have written. */
const IN_FLIGHT_SIZE_MAX = 16 * 1024 * 1024

/** Where a page's bytes go back to. */
export interface PageOwner {
  release(bytes: Uint8Array): void
}

/** Writes of one attempt. The first failure is thrown by whatever waits next. */
export class PageWriter {
  readonly #store: PageStore
  readonly #owner: PageOwner
  readonly #writes = new Set<Promise<unknown>>()
  #group: SweptPage[] = []
  #groupSize = 0
  #inFlightSize = 0
  #failure: unknown = null

  constructor(store: PageStore, owner: PageOwner) {
    this.#store = store
    this.#owner = owner
  }

  /** Takes a page, and gives its bytes back once they are on disk. */
  add(page: SweptPage): void {
    this.#group.push(page)
    this.#groupSize += page.bytes.byteLength
  }

  /** Call at the end of each turn: a full group leaves. Waits while the store has enough. */
  async endTurn(): Promise<void> {
    if (this.#groupSize >= GROUP_SIZE) this.#send()
    while (this.#inFlightSize > IN_FLIGHT_SIZE_MAX && this.#failure === null) {
      await Promise.race(this.#writes)
    }
    this.#check()
  }

  /** Resolves when all pages are on disk. */
  async finish(): Promise<void> {
    this.#send()
    await Promise.all(this.#writes)
    this.#check()
  }

  #send(): void {
    for (const { address, bytes } of this.#group) {
      const size = bytes.byteLength
      this.#inFlightSize += size
      const write = this.#store.writePage(address, bytes).then(
        () => {
          this.#owner.release(bytes)
          this.#inFlightSize -= size
          this.#writes.delete(write)
        },
        (error: unknown) => {
          this.#failure ??= error
          this.#inFlightSize -= size
          this.#writes.delete(write)
        },
      )
      this.#writes.add(write)
    }
    this.#group = []
    this.#groupSize = 0
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure
  }
}
