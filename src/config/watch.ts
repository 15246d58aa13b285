/** Notices changes of a config directory. */

import { type FSWatcher, watch } from 'node:fs'
import { hashConfigDirectory } from './load.ts'

/**
 * `debounceMs`: quiet time after an event before looking; `pollMs`: time between looks without
 * events.
 */
export interface WatchOptions {
  readonly signal: AbortSignal
  readonly debounceMs?: number
  readonly pollMs?: number
}

const DEBOUNCE_DEFAULT_MS = 300
const POLL_DEFAULT_MS = 10_000

/** Events that may put off a look, one debounce each. */
const DELAYS_MAX = 20

/**
 * Calls `onChange` after the contents of the directory changed, until `signal` is aborted. Resolves
 * when the present contents are known and changes are being watched for. Calls do not overlap: the
 * next look waits for what `onChange` returns, which must not reject.
 *
 * Events of the file system only say when to look: a watched Kubernetes volume misses its second
 * swap, network file systems send none. A slow poll finds what events miss, a content hash what did
 * not change.
 */
export async function watchDirectory(
  directory: string,
  onChange: () => void | Promise<void>,
  options: WatchOptions,
): Promise<void> {
  const watcher = new DirectoryWatcher(directory, onChange, options)
  await watcher.start()
}

class DirectoryWatcher {
  readonly #directory: string
  readonly #onChange: () => void | Promise<void>
  readonly #signal: AbortSignal
  readonly #debounceMs: number
  readonly #pollMs: number
  #hash = ''
  #watcher: FSWatcher | null = null
  #timer: NodeJS.Timeout | null = null
  #isLooking = false
  /** Whether an event came during a look, which may have missed what it announced. */
  #isNoticed = false
  #delayCount = 0

  constructor(
    directory: string,
    onChange: () => void | Promise<void>,
    { signal, debounceMs, pollMs }: WatchOptions,
  ) {
    this.#directory = directory
    this.#onChange = onChange
    this.#signal = signal
    this.#debounceMs = debounceMs ?? DEBOUNCE_DEFAULT_MS
    this.#pollMs = pollMs ?? POLL_DEFAULT_MS
  }

  async start(): Promise<void> {
    // Events from before the first hash are contained in it, events after it are not lost.
    this.#listen()
    this.#isLooking = true
    this.#hash = await hashConfigDirectory(this.#directory)
    this.#isLooking = false
    if (this.#signal.aborted) {
      this.#stop()
      return
    }
    this.#signal.addEventListener('abort', () => this.#stop(), { once: true })
    this.#schedule(this.#isNoticed ? this.#debounceMs : this.#pollMs)
  }

  #listen(): void {
    try {
      const options = { recursive: true, persistent: false }
      this.#watcher = watch(this.#directory, options, () => this.#notice())
      // Out of watches, or the directory is gone: the poll goes on without events.
      this.#watcher.on('error', () => this.#deafen())
    } catch {
      this.#deafen()
    }
  }

  #deafen(): void {
    this.#watcher?.close()
    this.#watcher = null
  }

  /**
   * An event: look once it has been quiet, but do not wait for ever for a directory that never is.
   */
  #notice(): void {
    if (this.#isLooking) {
      this.#isNoticed = true
      return
    }
    if (this.#delayCount++ < DELAYS_MAX) this.#schedule(this.#debounceMs)
  }

  #schedule(delayMs: number): void {
    if (this.#signal.aborted) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#look(), delayMs)
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    this.#isNoticed = false
    this.#delayCount = 0
    if (this.#watcher === null) this.#listen()
    try {
      const hash = await hashConfigDirectory(this.#directory)
      if (hash !== this.#hash && !this.#signal.aborted) {
        this.#hash = hash
        await this.#onChange()
      }
    } finally {
      this.#isLooking = false
      this.#schedule(this.#isNoticed ? this.#debounceMs : this.#pollMs)
    }
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#deafen()
  }
}
