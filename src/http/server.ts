/** HTTP servers as their processes see them: they listen, and they close. */

import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { WorkerView } from '../model/view.ts'
import type { WatchView } from '../model/watch-view.ts'
import { isLoopbackAddress } from './access.ts'
import type { HttpOptions } from './app.ts'
import { createApp } from './app.ts'
import type { MetricsText } from './base-app.ts'
import { createWatchApp, type WatchHttpOptions } from './watch-app.ts'

/** Where a server listens. `url` ends without a slash. */
export interface HttpAddress {
  readonly host: string
  readonly port: number
  readonly url: string
  /** Whether only this machine reaches it. */
  readonly isLoopback: boolean
}

/** Made by `createHttpServer`; listens at most once. */
export interface HttpServer {
  /** Starts to listen. `port` 0: a free one. Rejects with the system's error, e.g. EADDRINUSE. */
  readonly listen: (port: number, host: string) => Promise<HttpAddress>
  /**
   * Stops listening and cuts open connections, kept-alive ones too; may be called more than once.
   */
  readonly close: () => Promise<void>
}

/**
 * Serves metrics, health, readiness, reload and what the worker knows. Reads `view` and `metrics`
 * at each request and owns neither. The host should be a loopback address unless the network is
 * trusted: the token guards what writes and what shows a subscriber, everything else is open.
 */
export function createHttpServer(
  view: WorkerView,
  metrics: MetricsText,
  options: HttpOptions,
): HttpServer {
  return serverOf(createApp(view, metrics, options))
}

/** Serves what `highwater watch` knows; everything is open, and nothing names a subscriber. */
export function createWatchServer(
  view: WatchView,
  metrics: MetricsText,
  options: WatchHttpOptions,
): HttpServer {
  return serverOf(createWatchApp(view, metrics, options))
}

function serverOf(app: FastifyInstance): HttpServer {
  return {
    listen: async (port, host) => {
      await app.listen({ port, host })
      const bound = app.server.address() as AddressInfo
      const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
      const url = `http://${name}:${bound.port}`
      const isLoopback = isLoopbackAddress(bound.address)
      return { host: bound.address, port: bound.port, url, isLoopback }
    },
    close: async () => {
      await app.close()
    },
  }
}
