/** The way of control messages from this process into the logs. */

import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { ControlPorts } from '../probe/control-sending.ts'
import type { BrokerConnection } from '../sink/connection.ts'
import { openControlWriters } from '../sink/control-writer.ts'

/** Ports over a connection, which stays the caller's. */
export function createControlPorts(
  connection: BrokerConnection,
  partitionCount: number,
): ControlPorts {
  return { partitionCount, controlOf: openControlWriters(connection), newId, pause }
}

/** Letters only: logs and audits mask digits, and it is by this that a message is found there. */
function newId(kind: string): string {
  const letters = [...randomBytes(12)].map((byte) => {
    return String.fromCharCode(97 + (byte >>> 4), 97 + (byte & 15))
  })
  return `${kind}-${letters.join('')}`
}
