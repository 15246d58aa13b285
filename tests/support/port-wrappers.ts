/** Ports that misbehave on purpose, around real ones. */

import type {
  InputMessage,
  OutputMessage,
  OutputStream,
  PageStore,
  PublishOutcome,
  Source,
} from '../../src/model/ports.ts'
import type { WorkerPorts } from '../../src/partition/worker.ts'

/** Delegates everything to `target` except what `changes` says. */
export function replacing<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get(inner, key): unknown {
      const changed: unknown = Reflect.get(changes, key)
      if (changed !== undefined) return changed
      const value: unknown = Reflect.get(inner, key)
      return typeof value === 'function' ? value.bind(inner) : value
    },
  })
}

/**
 * Ports that go dead at once when `cut` is called: no call of the worker does anything any more.
 */
export function cutWhenCrashed(ports: WorkerPorts): { ports: WorkerPorts; cut: () => void } {
  let isCut = false
  const never = new Promise<never>(() => undefined)
  const mortal = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(inner, key): unknown {
        const value: unknown = Reflect.get(inner, key)
        if (typeof value !== 'function') return value
        if (!isCut) return value.bind(inner)
        if (key === 'take') return () => []
        if (key === 'read') return () => deadRead(never)
        // The loop of the dead worker ends here; its closing of the ports must find nothing.
        if (key === 'nowMs') throw new Error('crashed')
        if (key === 'close') return () => Promise.resolve()
        return () => never
      },
    })
  const source = mortal(ports.source)
  return {
    ports: {
      source,
      output: mortal(ports.output),
      rejects: mortal(ports.rejects),
      control: mortal(ports.control),
      errands: ports.errands && mortal(ports.errands),
      store: mortal(ports.store),
      clock: mortal(ports.clock),
    },
    cut: () => {
      isCut = true
      void ports.source.close().catch(() => undefined)
    },
  }
}

/** An iterable and a promise that never yield. */
function deadRead(never: Promise<never>): AsyncIterable<never> & Promise<never> {
  return Object.assign(never.then(), {
    [Symbol.asyncIterator]: () => ({ next: () => never }),
  }) as AsyncIterable<never> & Promise<never>
}

/** What an ambiguous publish does. */
export type Ambiguity = 'stored-unknown' | 'lost-unknown' | 'none'

/** An output that answers `unknown` to decisions as `next` says, claims excluded. */
export function ambiguousOutput(output: OutputStream, next: () => Ambiguity): OutputStream {
  return replacing<OutputStream>(output, {
    async publish(data: Uint8Array, expected: number | null): Promise<PublishOutcome> {
      if (expected === null) return output.publish(data, expected)
      const ambiguity = next()
      if (ambiguity === 'none') return output.publish(data, expected)
      if (ambiguity === 'stored-unknown') await output.publish(data, expected)
      return { kind: 'unknown', cause: new Error(ambiguity) }
    },
  })
}

/** A gate that holds back whoever passes while it is closed. */
export class Gate {
  #opened: Promise<void> = Promise.resolve()
  #open: () => void = () => undefined
  isClosed = false
  /** How many have come to the closed gate. */
  waitingCount = 0

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#opened = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  open(): void {
    this.isClosed = false
    this.#open()
  }

  async pass(): Promise<void> {
    if (!this.isClosed) return
    this.waitingCount += 1
    await this.#opened
  }
}

/** An output whose decisions wait at a gate before they are published: a paused writer. */
export function gatedOutput(output: OutputStream, gate: Gate): OutputStream {
  return replacing<OutputStream>(output, {
    async publish(data: Uint8Array, expected: number | null): Promise<PublishOutcome> {
      if (expected !== null) await gate.pass()
      return output.publish(data, expected)
    },
  })
}

/** A source whose messages go through `change`, a copy of each; null leaves it out. */
export function changingSource(
  source: Source,
  change: (message: InputMessage) => InputMessage | null,
): Source {
  return replacing<Source>(source, {
    take: (max: number) =>
      source
        .take(max)
        .map(({ sequence, timestampMs, subject, data }) =>
          change({ sequence, timestampMs, subject, data }),
        )
        .filter((message) => message !== null),
  })
}

/** A store that counts its writes and calls `before` first, which may throw. */
export function watchedStore(
  store: PageStore,
  before: (step: 'page' | 'manifest', count: number) => void | Promise<void>,
): PageStore {
  let pages = 0
  let manifests = 0
  return replacing<PageStore>(store, {
    async writePage(address, bytes) {
      await before('page', ++pages)
      return store.writePage(address, bytes)
    },
    async commitManifest(entries) {
      await before('manifest', ++manifests)
      return store.commitManifest(entries)
    },
  })
}

/** An output that reads back other digests than were written, but for a message asked for alone. */
export function outputWithOtherDigests(output: OutputStream): OutputStream {
  return replacing<OutputStream>(output, {
    read: (first, last) =>
      first === last ? output.read(first, last) : withOtherDigests(output.read(first, last)),
  })
}

async function* withOtherDigests(
  messages: AsyncIterable<OutputMessage>,
): AsyncGenerator<OutputMessage> {
  for await (const { sequence, data } of messages) {
    const text = Buffer.from(data).toString('latin1')
    const changed = text.replace(
      /(digest\xb0)(.)/,
      (_, key: string, digit: string) => key + (digit === '0' ? '1' : '0'),
    )
    yield { sequence, data: new Uint8Array(Buffer.from(changed, 'latin1')) }
  }
}

/** A source that gives nothing from an input on while the gate is closed. */
export function gatedSource(source: Source, gate: Gate, sequence: number): Source {
  const kept: InputMessage[] = []
  return replacing<Source>(source, {
    take: (max: number) => {
      const all = [
        ...kept.splice(0),
        ...source.take(max).map((each) => ({ ...each, data: each.data.slice() })),
      ]
      const ready = all.filter((each) => !gate.isClosed || each.sequence < sequence)
      kept.push(...all.slice(ready.length))
      return ready
    },
  })
}
