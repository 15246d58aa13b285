/** Where deciding asks whether the channel has room for a delivery that may go out now. */

import type { LedgerRow } from '../state/ledger.ts'
import type { CompiledTrigger } from './compile.ts'

/** Goes out now and has been counted; or waits in its channel's line. */
export type Admission = 'go' | 'wait'

/** The channels' capacity, as deciding sees it. */
export interface CapacityGate {
  /**
   * Whether a delivery that is due would be dropped, `capacity`. Asked before anybody makes room
   * for it in caps and contacts; changes nothing.
   */
  isRefusing(row: LedgerRow, trigger: CompiledTrigger): boolean
  /**
   * Judges a delivery that is due and passed every check. `go` counts it, unless it is held
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
  isRefusing: () => false,
  admit: () => 'go',
  hold: () => undefined,
  forget: () => undefined,
}
