/**
 * A run of small usage messages, applied as one batch: resolving, periods, masks and the update
 * pass cost much to begin and little per record. The answer is that of one message after the other:
 *
 * - Only what changes nothing that another message's records read is done ahead: decoding, dedupe,
 *   rows for new subscribers, masks. The run ends before a message that is to be refused, in whole
 *   or in part, and before any other kind of input.
 * - What happens around each input (clock, due timers, clean-up, sealing) happens around each here,
 *   in order. The update pass runs ahead of it only as far as none of that can do more than clean
 *   up: no timer is due, no slice of work is left.
 * - A record that makes something fire ends the update pass behind its message, and the messages
 *   before are finished first: what fires finds clock, sequence and counters as they were.
 */

import type { UsageDecoder } from '../decode/usage.ts'
import { SMALL_MESSAGE_RECORDS_MAX, SmallUsageReader } from '../decode/small-usage.ts'
import { parseSubject } from '../decode/subject.ts'
import { RejectError } from '../model/reject.ts'
import type { InputMessage } from '../model/ports.ts'
import type { ProducerStamp } from '../model/usage.ts'
import type { HearingTime } from '../state/producers.ts'
import type { PartitionCore } from './core.ts'
import type { Decider } from './deciding.ts'
import type { FiringWatch, Judge } from './judging.ts'
import type { Selecting } from './selecting.ts'

/** Messages of a run at most: what a worker takes at once. */
export const RUN_MESSAGES_MAX = 256
/** Larger messages are worth a batch of their own. */
const MESSAGE_SIZE_MAX = 1024
const RECORDS_MAX = RUN_MESSAGES_MAX * 4

/** What a run needs of the machine. */
export interface RunParts {
  readonly core: PartitionCore
  readonly judge: Judge
  readonly decider: Decider
  readonly selecting: Selecting
  /** For messages in an unusual form; shared with the machine. */
  readonly decoder: UsageDecoder
  /** Who was silent for so long may be forgotten, ms. */
  readonly silenceMs: () => number
}

/** Applies runs of one partition's inputs. */
export class UsageRuns implements FiringWatch {
  readonly #parts: RunParts
  readonly #reader = new SmallUsageReader(RECORDS_MAX)
  readonly #time = { clockMs: 0, silentBeforeMs: 0 } satisfies HearingTime
  /** By place in the run: where a message's records end, and the clock when it is applied. */
  readonly #recordEnds = new Int32Array(RUN_MESSAGES_MAX)
  readonly #clocksMs = new Float64Array(RUN_MESSAGES_MAX)
  #messages: readonly InputMessage[] = []
  /** Position of the run's first message among `#messages`. */
  #first = 0
  /** Place of the message that is being applied. */
  #current = 0
  #hasFired = false

  constructor(parts: RunParts) {
    this.#parts = parts
  }

  /**
   * Applies the longest run from `messages[first]` on, before `messages[end]`; returns how many
   * inputs it had. 0: the first one is not for a run. The partition's sequence is that before
   * `first`, and nobody has ruled on its log.
   */
  apply(messages: readonly InputMessage[], first: number, end: number): number {
    if (this.#isSweeping) return 0
    this.#messages = messages
    this.#first = first
    const count = this.#collect(Math.min(end, first + RUN_MESSAGES_MAX))
    if (count > 0) this.#applyCollected(count)
    return count
  }

  /**
   * Whether every input does a slice of a work over all rows, which would meet those of new
   * subscribers before their time.
   */
  get #isSweeping(): boolean {
    const { core, selecting } = this.#parts
    return !selecting.isIdle || core.journeySweep !== -1 || core.cancellations.length > 0
  }

  /** Decodes and dedupes messages up to the first that is not for the run; returns how many. */
  #collect(end: number): number {
    const { core } = this.#parts
    const { partition, clock } = core.genesis
    const { latenessMs, earlinessMs } = core.compiled.catalog
    const isReal = clock.mode === 'real'
    const silenceMs = this.#parts.silenceMs()
    const time = this.#time
    const reader = this.#reader
    const { batch } = reader
    batch.count = 0
    let { clockMs, sequence } = core
    let place = 0
    for (let at = this.#first; at < end && reader.hasRoom; at++) {
      const message = this.#messages[at]!
      const { data } = message
      if (message.sequence !== ++sequence || data.byteLength > MESSAGE_SIZE_MAX) break
      const subject = parseSubject(message.subject)
      if (subject?.kind !== 'usage' || subject.partition !== partition) break
      const from = batch.count
      const stamp = this.#read(data, subject.producer, place)
      if (stamp === null) break
      if (isReal && message.timestampMs > clockMs) clockMs = message.timestampMs
      if (!this.#areInTime(from, clockMs - latenessMs, clockMs + earlinessMs)) {
        batch.count = from
        break
      }
      time.clockMs = clockMs
      time.silentBeforeMs = clockMs - silenceMs
      const verdict = core.producers.judge('usage', stamp, time)
      if (verdict === 'fresh') {
        core.statistics.producerGaps += core.producers.accept('usage', stamp, time)
      } else {
        batch.count = from
        if (verdict !== 'repeat') break
        core.statistics.duplicateBatches += 1
      }
      this.#clocksMs[place] = clockMs
      this.#recordEnds[place++] = batch.count
    }
    return place
  }

  /**
   * Adds a message's records; null: it is not for the run. What the engine itself fails over ends a
   * run, too, and fails again as the first of the next: a halt must name the right input.
   */
  #read(data: Uint8Array, producer: string, place: number): ProducerStamp | null {
    const { partition, partitionCount } = this.#parts.core.genesis
    const from = this.#reader.batch.count
    try {
      const isUsual = this.#reader.read(data, producer, partition, partitionCount)
      return isUsual ? this.#reader.stamp : this.#decodeUnusual(data, producer)
    } catch (error) {
      if (place === 0) throw error
      this.#reader.batch.count = from
      return null
    }
  }

  /** Adds the records of a message in an unusual form; null: it is to be refused, or too large. */
  #decodeUnusual(data: Uint8Array, producer: string): ProducerStamp | null {
    const { core, decoder } = this.#parts
    const { partition, partitionCount } = core.genesis
    try {
      decoder.decode(data, producer, partition, partitionCount)
    } catch (error) {
      if (error instanceof RejectError) return null
      throw error
    }
    if (decoder.batch.count > SMALL_MESSAGE_RECORDS_MAX) return null
    this.#reader.add(decoder.batch)
    return decoder.stamp
  }

  #areInTime(from: number, firstMs: number, lastMs: number): boolean {
    const { timesMs, count } = this.#reader.batch
    for (let i = from; i < count; i++) {
      if (timesMs[i]! < firstMs || timesMs[i]! > lastMs) return false
    }
    return true
  }

  #applyCollected(count: number): void {
    const { judge } = this.#parts
    const recordEnds = this.#recordEnds
    judge.prepareUsage(this.#reader.batch)
    for (let place = 0; place < count; ) {
      this.#enter(place)
      const end = this.#quietEnd(place, count)
      const firstRecord = place === 0 ? 0 : recordEnds[place - 1]!
      this.#hasFired = false
      judge.update(firstRecord, recordEnds[end - 1]!, this)
      if (!this.#hasFired) while (this.#current < end - 1) this.#enterNext()
      this.#leave()
      place = this.#current + 1
    }
  }

  /** Messages before this place may have their records counted before their turn. */
  #quietEnd(place: number, count: number): number {
    const { core } = this.#parts
    if (this.#isSweeping || core.capacity.isAnybodyWaiting) return place + 1
    const { nextDueMs } = core.heap
    let end = place + 1
    while (end < count && this.#clocksMs[end]! < nextDueMs) end += 1
    return end
  }

  /** Finishes the messages before that of the record, and goes on behind its message. */
  beforeFiring(record: number): number {
    this.#hasFired = true
    while (this.#recordEnds[this.#current]! <= record) this.#enterNext()
    return this.#recordEnds[this.#current]!
  }

  #enterNext(): void {
    this.#leave()
    this.#enter(this.#current + 1)
  }

  /** What comes before a message's own effect. */
  #enter(place: number): void {
    const { core, decider } = this.#parts
    const message = this.#messages[this.#first + place]!
    this.#current = place
    core.inputSequence = message.sequence
    core.statistics.inputBytes += message.data.byteLength
    core.clockMs = this.#clocksMs[place]!
    decider.fireDue()
    core.statistics.inputMessages.usage += 1
  }

  /** What comes after it. */
  #leave(): void {
    const { core, decider, selecting } = this.#parts
    const message = this.#messages[this.#first + this.#current]!
    selecting.advance()
    decider.settle()
    decider.tidy(message.data.byteLength)
    core.capacity.askForMore()
    core.noteApplied(message)
    core.outbox.seal()
  }
}
