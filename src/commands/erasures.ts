/** The way of erasures from this process into the logs. */

import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { EraseSubscribers } from '../model/erasure.ts'
import type { ControlWriter } from '../model/ports.ts'
import { sendErasures } from '../probe/erasure.ts'
import type { BrokerConnection } from '../sink/connection.ts'
import { openControlWriter } from '../sink/control-writer.ts'

/** Sends over a connection, which stays the caller's. */
export function createErasures(
  connection: BrokerConnection,
  partitionCount: number,
): EraseSubscribers {
  const controls = new Map<number, ControlWriter>()
  const controlOf = (partition: number): ControlWriter => {
    let control = controls.get(partition)
    if (control === undefined) {
      control = openControlWriter(connection, partition)
      controls.set(partition, control)
    }
    return control
  }
  return (subscribers) => sendErasures(subscribers, { partitionCount, controlOf, newId, pause })
}

/** Letters only: logs and audits mask digits, and it is by this that an erasure is found there. */
function newId(): string {
  const letters = [...randomBytes(12)].map((byte) => {
    return String.fromCharCode(97 + (byte >>> 4), 97 + (byte & 15))
  })
  return `erase-${letters.join('')}`
}
