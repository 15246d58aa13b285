/** How a lane begins: it claims its part of GATE, learns its past, and opens OUT behind it. */

import { BrokerRefusedError, HighwaterError } from '../errors.ts'
import type { OutputStream, WaitingClock } from '../model/ports.ts'
import type { DecisionFeed, FeedPlace } from '../model/said.ts'
import { type GateMemory, readMemory } from './gate-memory.ts'
import { claimGate, GateWriter } from './gate-writer.ts'
import { encodeClaim } from './records.ts'
import type { FeedbackPublisher } from './teller.ts'

/** What a lane is called and how it behaves. */
export interface LaneSettings {
  readonly gateway: string
  readonly engine: string
  readonly partition: number
  readonly partitionCount: number
  /** How long receipts may come after a delivery was sent, ms; null: none come. */
  readonly receiptHorizonMs: number | null
}

/** What a lane works with. */
export interface LanePorts {
  readonly gate: OutputStream
  /** Opens OUT behind a place; null: where a gateway begins that has no past. */
  readonly openFeed: (place: FeedPlace | null) => Promise<DecisionFeed>
  readonly publishFeedback: FeedbackPublisher
  readonly clock: WaitingClock
}

/** A lane that may go on. */
export interface BegunLane {
  readonly writer: GateWriter
  readonly memory: GateMemory
  readonly feed: DecisionFeed
  /** When its part of GATE was made, ms. */
  readonly createdMs: number
}

/** Keeps what has succeeded, so that a lane claims once. */
export class LaneStart {
  readonly #settings: LaneSettings
  readonly #ports: LanePorts
  /** Code of what stood in the way last; null: nothing has. */
  obstacle: string | null = null
  #writer: GateWriter | null = null
  #memory: GateMemory | null = null

  constructor(settings: LaneSettings, ports: LanePorts) {
    this.#settings = settings
    this.#ports = ports
  }

  /**
   * Null: what is missing may come, or `isStopping`.
   * @throws {GateBrokenError | FeedBrokenError}
   */
  async tryAgain(isStopping: () => boolean): Promise<BegunLane | null> {
    const { gate, clock, openFeed } = this.#ports
    const { gateway, engine, receiptHorizonMs } = this.#settings
    try {
      if (this.#writer === null) {
        const bytes = encodeClaim(gateway, engine, clock.nowMs())
        const claim = await claimGate(gate, bytes, clock, isStopping)
        if (claim === null) return null
        this.#writer = new GateWriter(gate, clock, claim)
      }
      const state = await gate.state()
      const horizonMs =
        receiptHorizonMs === null ? Number.POSITIVE_INFINITY : clock.nowMs() - receiptHorizonMs
      this.#memory ??= await readMemory(gate, state, this.#writer.sequence, horizonMs)
      const feed = await openFeed(this.#memory.cursor)
      const createdMs = Date.parse(state.created)
      return { writer: this.#writer, memory: this.#memory, feed, createdMs }
    } catch (error) {
      // A stream that is missing may be made yet: a worker makes OUT at its own first start.
      const mayPass = error instanceof BrokerRefusedError
      if (!(error instanceof HighwaterError) || !(error.retryable || mayPass)) throw error
      this.obstacle = error.code
      return null
    }
  }
}
