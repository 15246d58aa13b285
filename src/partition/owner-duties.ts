/**
 * What the owner of a partition does beside applying inputs: ticks while the log is quiet and
 * something is due, and the errands that the machine lists.
 */

import type { ControlWriter, ErrandWriter, WaitingClock } from '../model/ports.ts'
import { ErrandRunner } from './errands.ts'
import type { PartitionMachine } from './machine.ts'
import { Ticker } from './ticker.ts'

/** What the duties go out by; `errands` absent: what is owed to other partitions waits. */
export interface DutyPorts {
  readonly control: ControlWriter
  readonly errands?: ErrandWriter | undefined
  readonly clock: WaitingClock
}

/** Duties of one partition's owner. */
export class OwnerDuties {
  readonly ticker: Ticker
  readonly #errands: ErrandRunner | null

  constructor(
    machine: PartitionMachine,
    { control, errands, clock }: DutyPorts,
    encodeTick: (id: string) => Uint8Array,
  ) {
    this.ticker = new Ticker(machine, control, clock, encodeTick)
    const owed = { errands: () => machine.core?.errands() ?? [] }
    this.#errands = errands === undefined ? null : new ErrandRunner(owed, errands, clock)
  }

  /**
   * Call after every turn of the loop of an owner. `isQuiet`: no input was there to apply.
   * `isLive`: replay is over; what is owed before that may have been answered long ago.
   */
  run(isQuiet: boolean, isLive: boolean): void {
    if (isQuiet) this.ticker.tickIfDue()
    if (isLive) this.#errands?.run()
  }
}
