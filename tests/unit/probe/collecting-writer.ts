import { createHash } from 'node:crypto'
import { UsageDecoder } from '../../../src/decode/usage.ts'
import type { ProbeHooks, UsageWriter } from '../../../src/probe/publisher.ts'

/** A message as a writer got it. */
export interface Published {
  readonly subject: string
  readonly data: Uint8Array
}

/** A writer that keeps what it gets, and may fail first. */
export class CollectingWriter implements UsageWriter {
  readonly published: Published[] = []
  /** Called before each message is taken; may reject. */
  before: (subject: string, data: Uint8Array) => Promise<void> = async () => {}

  async publish(subject: string, data: Uint8Array): Promise<void> {
    await this.before(subject, data)
    this.published.push({ subject, data })
  }

  /** One hash of all messages, subjects and order included. */
  digest(): string {
    const hash = createHash('sha256')
    for (const { subject, data } of this.published) hash.update(subject).update(data)
    return hash.digest('hex')
  }
}

/** A record as the engine will see it, with its batch. */
export interface DecodedRecord {
  readonly partition: number
  readonly probe: string
  readonly epoch: number
  readonly seq: number
  /** sub, bytes, time, rat, app, cell, kind */
  readonly values: readonly number[]
}

/** Decodes messages with the engine's decoder; fails if it refuses one. */
export function decodeAll(
  published: readonly Published[],
  partitionCount: number,
): DecodedRecord[] {
  const decoder = new UsageDecoder()
  const { batch, stamp } = decoder
  return published.flatMap(({ subject, data }) => {
    const [, partitionToken, probe] = subject.split('.')
    const partition = Number(partitionToken)
    decoder.decode(data, probe!, partition, partitionCount)
    return Array.from({ length: batch.count }, (_, i) => ({
      partition,
      ...stamp,
      values: [
        batch.subscribers[i]!,
        batch.usageBytes[i]!,
        batch.timesMs[i]!,
        batch.rats[i]!,
        batch.apps[i]!,
        batch.cells[i]!,
        batch.kinds[i]!,
      ],
    }))
  })
}

/** A clock that only `sleep` moves on. */
export function virtualHooks(startMs: number): ProbeHooks {
  let nowMs = startMs
  return {
    nowMs: () => nowMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      nowMs += ms
      // Lets what is under way settle, as real time would.
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
