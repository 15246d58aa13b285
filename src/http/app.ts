/** The Fastify application: what happens to every request before and after its route. */

import { randomUUID } from 'node:crypto'
import fastifySwagger from '@fastify/swagger'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { fastify, LogController } from 'fastify'
import type { Logger } from 'pino'
import type { AuditLog } from '../model/audit.ts'
import type { CancelDeliveries } from '../model/cancellation.ts'
import type { EraseSubscribers } from '../model/erasure.ts'
import type { OfferDesk } from '../model/offer.ts'
import type { PromoteStandbys } from '../model/promotion.ts'
import type { SelectSegment } from '../model/selection.ts'
import type { SendTest } from '../model/test-send.ts'
import type { WorkerView } from '../model/view.ts'
import { addAudit } from './audit.ts'
import { addBackupRoute, type BackupHandler } from './backup-route.ts'
import { addCancelRoute } from './cancel-route.ts'
import { addDataRoutes } from './data-routes.ts'
import { addErasureRoute } from './erasure-route.ts'
import { addExplainRoute } from './explain-route.ts'
import {
  answerClientError,
  createMethodRefusal,
  handleError,
  handleNotFound,
  SECURITY_HEADERS,
} from './errors.ts'
import {
  addRateLimits,
  BODY_SIZE_MAX,
  DEFAULT_HTTP_LIMITS,
  HEADERS_SIZE_MAX,
  HEADERS_TIMEOUT_MS,
  type HttpLimits,
  REQUEST_TIMEOUT_MS,
} from './limits.ts'
import type { MetricsText } from './operation-routes.ts'
import { addOperationRoutes } from './operation-routes.ts'
import { addOfferRoutes } from './offer-routes.ts'
import { addPromoteRoute } from './promote-route.ts'
import { addSegmentRoutes } from './segment-routes.ts'
import { addTestRoute } from './test-route.ts'
import { createMaskedLogger, logAnswer } from './request-log.ts'

/** How the worker's HTTP server is set up. */
export interface HttpOptions {
  /**
   * Bearer tokens of what writes, one on a line, each after a name of its own if it has one; null:
   * none is configured, and only this machine may write.
   */
  readonly token: string | null
  /** Absent: those of the settings' defaults. */
  readonly limits?: HttpLimits
  /** Gets a line for every writing request. */
  readonly audit?: AuditLog
  /** Takes backups; absent: there is nothing to take them of. */
  readonly backup?: BackupHandler
  /** The way of erasures into the log; absent: they are answered with 503. */
  readonly erase?: EraseSubscribers
  /** The way of cancellations into the log; absent: they are answered with 503. */
  readonly cancel?: CancelDeliveries
  /** The way of test sends into the log; absent: they are answered with 503. */
  readonly sendTest?: SendTest
  /** Absent: nobody can ask for a selection over HTTP. */
  readonly select?: SelectSegment
  /** Offers on request; absent: they are answered with 503. */
  readonly offers?: OfferDesk
  /** The worker's logger; absent: nothing is logged. */
  readonly logger?: Logger | undefined
  /** Makes standbys owners; absent: nothing here follows anything. */
  readonly promote?: PromoteStandbys
}

/** Makes the application; it listens to nothing yet. */
export function createApp(
  view: WorkerView,
  metrics: MetricsText,
  options: HttpOptions,
): FastifyInstance {
  const logger = options.logger === undefined ? undefined : createMaskedLogger(options.logger)
  const app: FastifyInstance = fastify({
    ...(logger === undefined ? {} : { loggerInstance: logger as FastifyBaseLogger }),
    logController: new LogController({ disableRequestLogging: true }),
    // Never the caller's: that would let anything into the log, a subscriber number too.
    genReqId: () => randomUUID(),
    bodyLimit: BODY_SIZE_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { maxHeaderSize: HEADERS_SIZE_MAX, headersTimeout: HEADERS_TIMEOUT_MS },
    // A scraper keeps its connection open for ever: `close` must not wait for it.
    forceCloseConnections: true,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      handleError(error, request, reply)
    },
  })
  const { limits = DEFAULT_HTTP_LIMITS, audit } = options
  app.server.maxConnections = limits.connectionsMax
  app.setErrorHandler(handleError)
  app.setNotFoundHandler(handleNotFound)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null))
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    reply.header('x-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => logAnswer(request, reply))
  if (audit !== undefined) addAudit(app, audit, view)
  addRateLimits(app, limits)

  app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Highwater worker',
        description: 'Every error answers with {"error": {"code", "message"}}.',
        version: view.version,
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
  })
  app.register(async (routes) => {
    const urls = new Set<string>()
    routes.addHook('onRoute', ({ url }) => void urls.add(url))
    addOperationRoutes(routes, view, metrics, options.token)
    addBackupRoute(routes, options.backup, options.token)
    addPromoteRoute(routes, options.promote, options.token)
    addDataRoutes(routes, view, options.token)
    addExplainRoute(routes, view, options.token)
    addOfferRoutes(routes, options.offers ?? null, options.token)
    addErasureRoute(routes, options.erase ?? null, options.token)
    addCancelRoute(routes, options.cancel ?? null, options.token)
    addTestRoute(routes, view, options.sendTest ?? null, options.token)
    addSegmentRoutes(routes, view, options.select ?? null, options.token)
    addMethodRefusals(routes, [...urls])
  })
  return app
}

/** Gives every path an answer for the methods that it does not take. */
function addMethodRefusals(routes: FastifyInstance, urls: readonly string[]): void {
  for (const url of urls) {
    const isTaken = (method: string): boolean => routes.hasRoute({ method, url })
    const allowed = routes.supportedMethods.filter(isTaken)
    const refused = routes.supportedMethods.filter((method) => !isTaken(method))
    const handler = createMethodRefusal(allowed)
    routes.route({ method: refused, url, schema: { hide: true }, handler })
  }
}
