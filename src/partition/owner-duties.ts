/**
 * What the owner of a partition does beside applying inputs: ticks while the log is quiet and
 * something is due, and the errands that the machine lists.
 */

import type { ControlWriter, ErrandWriter, WaitingClock } from '../model/ports.ts'
import type { SelectionNotice } from '../model/selection.ts'
import { ErrandRunner } from './errands.ts'
import type { PartitionMachine } from './machine.ts'
import { SelectionWatch } from './segment-views.ts'
import { Ticker } from './ticker.ts'

/** What the duties go out by; `errands` absent: what is owed to other partitions waits. */
export interface DutyPorts {
  readonly control: ControlWriter
  readonly errands?: ErrandWriter | undefined
  readonly clock: WaitingClock
}

/** Settings of the duties. */
export interface DutySettings {
  /** Encodes a tick; the wire format belongs to producers. */
  readonly encodeTick: (id: string) => Uint8Array
  /** Hears once of each selection that ends or is broken off. */
  readonly onSelection?: ((notice: SelectionNotice) => void) | undefined
}

/** Duties of one partition's owner. */
export class OwnerDuties {
  readonly ticker: Ticker
  readonly #errands: ErrandRunner | null
  readonly #machine: PartitionMachine
  readonly #settings: DutySettings
  readonly #selections = new SelectionWatch()

  constructor(
    machine: PartitionMachine,
    { control, errands, clock }: DutyPorts,
    settings: DutySettings,
  ) {
    this.ticker = new Ticker(machine, control, clock, settings.encodeTick)
    this.#machine = machine
    this.#settings = settings
    const owed = { errands: () => machine.core?.errands() ?? [] }
    this.#errands = errands === undefined ? null : new ErrandRunner(owed, errands, clock)
  }

  /**
   * Call after every turn of the loop of an owner. `isQuiet`: no input was there to apply.
   * `isLive`: replay is over; what is owed before that may have been answered long ago.
   */
  run(isQuiet: boolean, isLive: boolean): void {
    if (isQuiet) this.ticker.tickIfDue()
    const { core } = this.#machine
    if (!isLive || core === null) return
    this.#errands?.run()
    for (const notice of this.#selections.look(core)) this.#settings.onSelection?.(notice)
  }
}
