/**
 * Looks after both streams while the partition runs: how far IN has grown, and, after a reconnect,
 * whether IN and OUT are still the streams that we read and wrote.
 */

import { HighwaterError, PartitionHaltedError } from '../errors.ts'
import type {
  InputMessage,
  OutputStream,
  Source,
  StreamState,
  WaitingClock,
} from '../model/ports.ts'
import type { PartitionCore } from './core.ts'
import type { OutputPlace } from './output-writer.ts'
import { checkInput, checkOutput } from './recovery.ts'

const POLL_MS = 2_000
/** The log may run ahead of the worker's clock by this much; beyond, somebody's clock is wrong. */
const CLOCK_AHEAD_MAX_MS = 5 * 60_000

/** The streams as they were when the partition was recovered. */
export interface WatchedStreams {
  readonly source: Source
  readonly output: OutputStream
  readonly clock: WaitingClock
  readonly inputCreated: string
  readonly outputCreated: string
}

/** Where the partition stands in both. */
export interface StandingPlace {
  /** Last input applied and its fingerprint. */
  readonly input: { readonly sequence: number; readonly fingerprint: number }
  /** Last message of OUT that is ours. */
  readonly output: OutputPlace
}

/** Watches the streams of one partition. */
export class StreamWatch {
  readonly #streams: WatchedStreams
  #lastPollAtMs = 0
  #reconnects = 0
  /** IN as last seen. */
  input: StreamState

  constructor(streams: WatchedStreams, input: StreamState) {
    this.#streams = streams
    this.input = input
  }

  /**
   * Polls IN for lag, and checks both streams whole after a reconnect. False: they could not be
   * checked yet, and what has arrived since may be of another stream. Throws PartitionHaltedError.
   */
  async look(place: () => StandingPlace): Promise<boolean> {
    const { source, clock } = this.#streams
    const nowMs = clock.steadyMs()
    const reconnects = source.reconnectCount()
    if (reconnects === this.#reconnects) {
      if (nowMs - this.#lastPollAtMs < POLL_MS) return true
      this.#lastPollAtMs = nowMs
      source.state().then(
        (state) => {
          this.input = state
        },
        () => undefined,
      )
      return true
    }
    try {
      await this.#check(place())
      this.#reconnects = reconnects
      return true
    } catch (error) {
      if (!(error instanceof HighwaterError) || !error.retryable) throw error
      return false
    }
  }

  async #check(place: StandingPlace): Promise<void> {
    const { source, output, inputCreated, outputCreated } = this.#streams
    this.input = await source.state()
    await checkInput(source, this.input, { inputCreated, ...place.input })
    const { sequence: outputSequence, fingerprint: outputFingerprint } = place.output
    const position = { outputCreated, outputSequence, outputFingerprint }
    await checkOutput(output, await output.state(), position)
  }
}

/**
 * Returns the end of the messages from `first` on whose stamps can be right; one at a time where
 * something was ruled on the log. Throws PartitionHaltedError('clock-ahead') when the first cannot.
 */
export function checkLogClocks(
  messages: readonly InputMessage[],
  first: number,
  nowMs: number,
  core: PartitionCore | null,
): number {
  const lastMs = nowMs + CLOCK_AHEAD_MAX_MS
  checkLogClock(messages[first]!, nowMs, core)
  if (core === null || !core.rulings.isEmpty) return first + 1
  if (core.genesis.clock.mode !== 'real') return messages.length
  let end = first + 1
  while (end < messages.length && messages[end]!.timestampMs <= lastMs) end += 1
  return end
}

function checkLogClock(message: InputMessage, nowMs: number, core: PartitionCore | null): void {
  const mode = core?.genesis.clock.mode ?? 'real'
  const timestampMs = core?.rulings.stampOf(core.era, message) ?? message.timestampMs
  if (mode !== 'real' || timestampMs <= nowMs + CLOCK_AHEAD_MAX_MS) return
  throw new PartitionHaltedError(
    'clock-ahead',
    `input ${message.sequence} is stamped ${timestampMs - nowMs} ms ahead of this worker's clock`,
  )
}
