/** Tests start their own nats-server on a free loopback port, and stop it themselves. */

import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type PrivateServer,
  type PrivateServerOptions,
  startPrivateServer,
} from '../../src/sink/nats-server.ts'

/** Starts a private nats-server with JetStream on file storage in a temporary directory. */
export function startNatsServer(options: PrivateServerOptions = {}): Promise<PrivateServer> {
  return startPrivateServer(options)
}

/**
 * Stops a server in its tracks (SIGSTOP) and resolves when none of its threads runs any more: a
 * signal alone may arrive after the next message. SIGCONT lets it go on. Linux only.
 */
export async function freezeNatsServer(server: PrivateServer): Promise<void> {
  await server.kill('SIGSTOP')
  const tasks = `/proc/${server.pid}/task`
  const isFrozen = (task: string): boolean => {
    const status = readFileSync(`${tasks}/${task}/stat`, 'utf8')
    // The state follows the program's name, which is in brackets.
    return status[status.lastIndexOf(')') + 2] === 'T'
  }
  while (!readdirSync(tasks).every(isFrozen)) await sleep(1)
}
