/**
 * The other partition of a town: a machine in memory that nothing disturbs. It asks the simulated
 * partition for its limits and takes part in its selections; what it owes arrives late, and now and
 * then twice. Not under test; what it delivers counts in the sums of channels.
 */

import type { InputMessage } from '../../src/model/ports.ts'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import { encodeTick } from '../../src/probe/encode.ts'
import { encodeErrand } from '../../src/probe/encode-errand.ts'
import { TownWatch } from '../support/town-watch.ts'
import { Undisturbed, type WireDecision } from '../support/undisturbed.ts'
import type { World } from './world.ts'

const RETRY_MS = 150
const DELAY_MS_MAX = 400
/** Slices of work that one message may leave over. */
const TICKS_MAX = 100

/** Partition 1. */
export class Neighbour {
  readonly #world: World
  readonly #undisturbed = new Undisturbed(1)
  readonly #watch = new TownWatch()
  readonly #sent = new Set<string>()
  #underWay = 0
  #tickCount = 0

  constructor(world: World, genesis: Uint8Array) {
    this.#world = world
    this.#follow('control.1', genesis)
  }

  /** Nothing of what it owes is on its way any more. */
  get isQuiet(): boolean {
    return this.#underWay === 0
  }

  get machine(): PartitionMachine {
    return this.#undisturbed.machine
  }

  get decisions(): readonly WireDecision[] {
    return this.#undisturbed.decisions
  }

  get failures(): readonly string[] {
    return this.#watch.failures
  }

  /** The next message of its log. */
  apply(subject: string, data: Uint8Array): void {
    this.#follow(subject, data)
    const { machine } = this.#undisturbed
    for (let i = 0; i < TICKS_MAX && machine.hasDueAt(machine.core!.clockMs); i++) {
      this.#follow('control.1', encodeTick({ id: `neighbour-${++this.#tickCount}` }))
    }
    this.#sendErrands()
  }

  #follow(subject: string, data: Uint8Array): void {
    const timestampMs = this.#world.broker.stampMs()
    const sequence = this.#undisturbed.machine.sequence + 1
    const message: InputMessage = { sequence, timestampMs, subject, data }
    this.#watch.follow(this.#undisturbed, message)
  }

  #sendErrands(): void {
    const { random } = this.#world
    for (const { partition, message } of this.#undisturbed.machine.core!.errands()) {
      const key = `${partition} ${message.id}`
      if (this.#sent.has(key)) continue
      this.#sent.add(key)
      const data = encodeErrand(message)
      const copies = random.chance(0.1) ? 2 : 1
      for (let copy = 0; copy < copies; copy++) this.#send(partition, data)
    }
  }

  #send(partition: number, data: Uint8Array): void {
    this.#underWay += 1
    this.#plan(this.#world.random.next() * DELAY_MS_MAX, partition, data)
  }

  #plan(delayMs: number, partition: number, data: Uint8Array): void {
    const { broker, scheduler } = this.#world
    scheduler.later(delayMs, null, 'neighbour', () => {
      if (!broker.isUp || broker.input.isFull || this.#world.tampering !== null) {
        this.#plan(RETRY_MS, partition, data)
        return
      }
      this.#underWay -= 1
      const subject = `control.${partition}`
      const stream = partition === 0 ? broker.input : broker.neighbour
      broker.publish(stream, { subject, data, expectedLastSequence: null, messageId: null })
    })
  }
}
