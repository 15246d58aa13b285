/** Where deciding asks whether the channel has room for a delivery that may go out now. */

import type { LedgerRow } from '../state/ledger.ts'
import type { CompiledTrigger } from './compile.ts'

/** Goes out now and has been counted; waits in its channel's line; or is dropped, `capacity`. */
export type Admission = 'go' | 'wait' | 'drop'

/** The channels' capacity, as deciding sees it. */
export interface CapacityGate {
  /**
   * Judges a delivery that is due and passed every other check. `go` counts it, unless it is held
   * out (`row.experiment`): then it is not sent. A canary (`row.isCanary`) always goes.
   */
  admit(row: LedgerRow, trigger: CompiledTrigger): Admission
  /**
   * A row that was told to wait, and was written as waiting, stands in line from now on; its
   * deadline (`notAfterMs`: it expires, or its contact window closes) is noted in it.
   */
  hold(number: number, row: LedgerRow): void
  /** A row that waits is taken back: it leaves the line. */
  forget(number: number, row: LedgerRow): void
}

/** Without any limits: everything goes. */
export const OPEN_GATE: CapacityGate = {
  admit: () => 'go',
  hold: () => undefined,
  forget: () => undefined,
}
