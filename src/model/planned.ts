/** Deliveries that wait for their moment, as far as it lies in the running day. */

/** Those of one trigger in one partition. */
export interface PlannedTrigger {
  readonly trigger: string
  readonly channel: string
  /** Due before the running local day ends, in the installation's zone; holdouts are none. */
  readonly deliveries: number
  /** SMS segments that they would take now; 0 where the channel is none of SMS. */
  readonly segments: number
}

/** What one live partition has planned for its running day. */
export interface PlannedPartition {
  readonly partition: number
  /** The partition's clock. */
  readonly clockMs: number
  /** Last decision when the rows had been counted: what came after is not in them. */
  readonly decisionNumber: number
  readonly triggers: readonly PlannedTrigger[]
}
