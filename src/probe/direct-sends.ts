/** Test sends and notices on their way into the logs. */

import type { TestSendReceipt, TestSendRequest } from '../model/test-send.ts'
import { partitionOf } from '../model/wire.ts'
import { type ControlPorts, storeControl } from './control-sending.ts'
import { encodeNotice, encodeTest } from './encode.ts'

/** A message to one of the operator's people. */
export interface NoticeRequest {
  /** Never used before: letters, digits, _ and -. The same again changes nothing. */
  readonly id: string
  /** Whole number of 1 to 15 digits; need not be a subscriber's. */
  readonly number: number
  readonly channel: string
  /** Message class. */
  readonly class: string
  readonly message: string
}

/**
 * Publishes a test send to the subscriber's partition.
 * @throws StreamFullError, BrokerUnavailableError
 */
export async function sendTest(
  { trigger, subscriber }: TestSendRequest,
  ports: ControlPorts,
): Promise<TestSendReceipt> {
  const partition = partitionOf(subscriber, ports.partitionCount)
  const id = ports.newId('test')
  const data = encodeTest({ id, trigger, subscriber })
  return { id, partition, sequence: await storeControl(partition, data, ports) }
}

/**
 * Publishes a notice to the number's partition; the sequence where it stands.
 * @throws StreamFullError, BrokerUnavailableError
 */
export async function sendNotice(notice: NoticeRequest, ports: ControlPorts): Promise<number> {
  const { number: subscriber, ...rest } = notice
  const partition = partitionOf(subscriber, ports.partitionCount)
  return storeControl(partition, encodeNotice({ subscriber, ...rest }), ports)
}
