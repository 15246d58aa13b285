/** Test sends, as whoever asks for one sees them. */

/** What to try out, and the tester who gets it: a subscriber on the list `canary`. */
export interface TestSendRequest {
  readonly trigger: string
  readonly subscriber: number
}

/** It stands in a partition's log; whether it is refused there is in `REJ_<partition>`. */
export interface TestSendReceipt {
  /** Names the test in logs, audits and the delivery's id. */
  readonly id: string
  readonly partition: number
  /** Where it stands in `IN_<partition>`. */
  readonly sequence: number
}

/** Asks for a test send. Rejects with StreamFullError or BrokerUnavailableError. */
export type SendTest = (request: TestSendRequest) => Promise<TestSendReceipt>
