/**
 * Publishes a story as a probe that never loses its batches: in order, a few in flight, the same
 * bytes again until the broker says that they are stored, and now and then twice for no reason. So
 * repeats and overtaking happen by themselves when the broker stumbles.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { NatsConnection } from 'nats'
import { type InputWriter, openInputWriter } from '../../src/sink/input-writer.ts'
import { Random } from '../support/workload/random.ts'
import type { Story, StoryMessage } from './story.ts'

const IN_FLIGHT = 8
const ANSWER_TIMEOUT_MS = 1_000
const RETRY_MS = 20
const REPEAT_SHARE = 0.02

/** Subject of messages that nobody can understand. */
export const GARBAGE_SUBJECT = 'usage.0.garbage'

/** Publishes a message that is refused whole. */
export async function feedGarbage(connection: NatsConnection): Promise<void> {
  const writer = openInputWriter(connection, 0, ANSWER_TIMEOUT_MS)
  // 0xc1 is the one byte that MessagePack never uses.
  await writer.publish(GARBAGE_SUBJECT, new Uint8Array([0xc1]))
}

/** Feeds one story into its logs; the connection stays the caller's. One call at a time. */
export class Feeder {
  /** Times that a message was published again because no answer came, or a refusal. */
  retryCount = 0
  readonly #messages: readonly StoryMessage[]
  readonly #writers: readonly InputWriter[]
  readonly #random: Random
  #nextIndex = 0
  #isClosed = false
  #isHurried = false
  #wake: () => void = () => undefined

  /** `progress`: share of the story that is stored already. */
  constructor(story: Story, connection: NatsConnection, progress = 0) {
    this.#messages = story.messages
    this.#nextIndex = Math.round(progress * story.messages.length)
    this.#writers = Array.from({ length: story.parameters.partitionCount }, (_, partition) =>
      openInputWriter(connection, partition, ANSWER_TIMEOUT_MS),
    )
    this.#random = new Random(story.seed ^ 0x5eed)
  }

  /** Share of the story that is stored, 0 to 1. */
  get progress(): number {
    return this.#nextIndex / this.#messages.length
  }

  /** Publishes up to this share of the story (0 to 1), spread over about `overMs`. */
  async feedUntil(share: number, overMs = 0): Promise<void> {
    const end = Math.min(this.#messages.length, Math.ceil(share * this.#messages.length))
    const first = this.#nextIndex
    const startedAtMs = performance.now()
    this.#isHurried = false
    while (this.#nextIndex < end && !this.#isClosed) {
      const group = this.#messages.slice(
        this.#nextIndex,
        Math.min(end, this.#nextIndex + IN_FLIGHT),
      )
      await Promise.all(group.map((message) => this.#send(message)))
      this.#nextIndex += group.length
      const plannedMs = (overMs * (this.#nextIndex - first)) / (end - first)
      const aheadMs = plannedMs - (performance.now() - startedAtMs)
      if (aheadMs > 1 && !this.#isHurried) await this.#pause(aheadMs)
    }
  }

  /** Lets the running `feedUntil` go on without pauses. */
  hurry(): void {
    this.#isHurried = true
    this.#wake()
  }

  /** Gives up what is not stored yet; for clean-up after a failure. */
  close(): void {
    this.#isClosed = true
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      setTimeout(resolve, ms)
    })
  }

  async #send({ subject, data }: StoryMessage): Promise<void> {
    const isRepeated = this.#random.chance(REPEAT_SHARE)
    await this.#untilStored(subject, data)
    if (isRepeated) await this.#untilStored(subject, data)
  }

  async #untilStored(subject: string, data: Uint8Array): Promise<void> {
    const writer = this.#writers[Number(subject.split('.')[1])]!
    while (!this.#isClosed) {
      try {
        await writer.publish(subject, data)
        return
      } catch (error) {
        if (!(error as { retryable?: boolean }).retryable) throw error
        this.retryCount += 1
        await sleep(RETRY_MS)
      }
    }
  }
}
