/** The gateway's HTTP server: metrics, health, readiness, and nothing that writes. */

import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import type { GatewayView, LaneView } from '../model/gateway-view.ts'
import { isLoopbackAddress } from './access.ts'
import { handleError, handleNotFound, SECURITY_HEADERS } from './errors.ts'
import { BODY_SIZE_MAX, HEADERS_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from './limits.ts'
import type { MetricsText } from './base-app.ts'
import type { HttpServer } from './server.ts'

/** Open connections at most: scrapes and probes. */
const CONNECTIONS_MAX = 64

/** Serves what operators ask. Reads `view` and `metrics` at each request and owns neither. */
export function createGatewayServer(view: GatewayView, metrics: MetricsText): HttpServer {
  const app = fastify({
    bodyLimit: BODY_SIZE_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
  })
  app.server.headersTimeout = HEADERS_TIMEOUT_MS
  app.server.maxConnections = CONNECTIONS_MAX
  app.setErrorHandler(handleError)
  app.setNotFoundHandler(handleNotFound)
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(SECURITY_HEADERS)
  })
  app.get('/metrics', async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.render())
  })
  app.get('/-/healthy', async () => ({ status: 'healthy' }))
  app.get('/-/ready', async (_request, reply) => {
    const lanes = view.lanes()
    const waiting = lanes.filter(({ status }) => status !== 'running')
    if (lanes.length > 0 && waiting.length === 0) {
      return { status: 'ready', version: view.version, lanes: lanes.length }
    }
    const message =
      lanes.length === 0 ? 'The gateway has no channel.' : waiting.map(sentence).join(' ')
    return reply.code(503).send({ error: { code: 'HW_NOT_READY', message } })
  })
  return {
    listen: async (port, host) => {
      await app.listen({ port, host })
      const bound = app.server.address() as AddressInfo
      const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
      const isLoopback = isLoopbackAddress(bound.address)
      return {
        host: bound.address,
        port: bound.port,
        url: `http://${name}:${bound.port}`,
        isLoopback,
      }
    },
    close: async () => {
      await app.close()
    },
  }
}

function sentence({ channel, partition, status, halt }: LaneView): string {
  return `Channel ${channel} of partition ${partition} is ${status}${halt === null ? '' : `: ${halt}`}.`
}
