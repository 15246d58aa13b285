/** Tests start their own nats-server on a free loopback port, and stop it themselves. */

import {
  type PrivateServer,
  type PrivateServerOptions,
  startPrivateServer,
} from '../../src/sink/nats-server.ts'

/** Starts a private nats-server with JetStream on file storage in a temporary directory. */
export function startNatsServer(options: PrivateServerOptions = {}): Promise<PrivateServer> {
  return startPrivateServer(options)
}
