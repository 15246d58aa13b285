/**
 * All lanes and channels of one gateway process. A lane that cannot go on halts alone; the others
 * go on, since they have nothing to do with one another.
 */

import type { ChannelView, GatewayView, LaneView } from '../model/gateway-view.ts'
import type { WaitingClock } from '../model/ports.ts'
import type { ChannelPort } from '../model/sending.ts'
import { ChannelShare } from './channel-share.ts'
import { Lane } from './lane.ts'
import type { LanePorts, LaneSettings } from './lane-start.ts'

/** One channel of the settings, with its way of sending. */
export interface GatewayChannel {
  readonly name: string
  readonly kind: ChannelView['kind']
  readonly perSecond: number | null
  /** How long receipts may come, ms; null: none come. */
  readonly receiptHorizonMs: number | null
  readonly port: ChannelPort
}

/** What a gateway is made of. */
export interface GatewayOptions {
  readonly name: string
  readonly version: string
  readonly partitions: readonly number[]
  readonly partitionCount: number
  readonly channels: readonly GatewayChannel[]
  readonly clock: WaitingClock
  /** Ports of one lane; asked once for each. */
  readonly portsOf: (channel: string, partition: number) => Promise<LanePorts>
  readonly onHalt: (lane: LaneView, error: unknown) => void
}

/** Receipts that may be expected at once, over all partitions of a channel. */
const RECEIPTS_MAX = 2_000_000

/** Started once, stopped once. */
export class Gateway implements GatewayView {
  readonly version: string
  readonly #options: GatewayOptions
  readonly #shares = new Map<string, ChannelShare>()
  readonly #lanes: Lane[] = []
  #allHalted: () => void = () => undefined

  constructor(options: GatewayOptions) {
    this.version = options.version
    this.#options = options
  }

  /** Starts every lane; resolves when all of them have begun to, not when they run. */
  async start(): Promise<void> {
    const { clock, partitions, partitionCount, onHalt } = this.#options
    for (const { port, ...channel } of this.#options.channels) {
      const settings = { ...channel, receiptsMax: RECEIPTS_MAX }
      const share = new ChannelShare(settings, port, clock, partitionCount)
      this.#shares.set(channel.name, share)
      for (const partition of partitions) {
        const ports = await this.#options.portsOf(channel.name, partition)
        const lane = new Lane(this.#laneSettings(partition, channel), ports, share)
        this.#lanes.push(lane)
        lane.start((view, error) => {
          onHalt(view, error)
          if (this.lanes().every(({ status }) => status === 'halted')) this.#allHalted()
        })
      }
    }
    for (const share of this.#shares.values()) share.start()
  }

  /** Resolves when no lane can go on. */
  untilHalted(): Promise<void> {
    return new Promise((resolve) => {
      this.#allHalted = resolve
    })
  }

  /** Sends nothing new, waits for what is under way, records and tells it. */
  async stop(timeoutMs: number): Promise<void> {
    for (const lane of this.#lanes) lane.drain()
    const ports = this.#options.channels.map(({ port }) => port)
    await Promise.all(ports.map((port) => port.close(timeoutMs)))
    await Promise.all(this.#lanes.map((lane) => lane.stop(timeoutMs)))
  }

  lanes = (): readonly LaneView[] => this.#lanes.map((lane) => lane.view())

  channels = (): readonly ChannelView[] =>
    this.#options.channels.map(({ name, kind, port }) => {
      const view = port.view()
      const strays = view.strays + (this.#shares.get(name)?.strayCount ?? 0)
      return { ...view, strays, channel: name, kind }
    })

  #laneSettings(
    partition: number,
    { receiptHorizonMs }: { receiptHorizonMs: number | null },
  ): LaneSettings {
    const { name: gateway, version: engine, partitionCount } = this.#options
    return { gateway, engine, partition, partitionCount, receiptHorizonMs }
  }
}
