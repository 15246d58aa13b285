/** What every HTTP server of ours does with a request before and after its route. */

import { randomUUID } from 'node:crypto'
import fastifySwagger from '@fastify/swagger'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { fastify, LogController } from 'fastify'
import type { Logger } from 'pino'
import Type from 'typebox'
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
  HEADERS_SIZE_MAX,
  HEADERS_TIMEOUT_MS,
  type HttpLimits,
  REQUEST_TIMEOUT_MS,
} from './limits.ts'
import { createMaskedLogger, logAnswer } from './request-log.ts'
import { ErrorBody } from './schemas.ts'

/** Where the text of a scrape comes from; metrics/ makes one. */
export interface MetricsText {
  readonly contentType: string
  readonly render: () => Promise<string>
}

/** What a server is. */
export interface BaseOptions {
  readonly title: string
  readonly version: string
  readonly limits: HttpLimits
  /** Absent: nothing is logged. */
  readonly logger: Logger | undefined
}

/** An application without routes: masked log, limits, errors as JSON, security headers, OpenAPI. */
export function createBaseApp(options: BaseOptions): FastifyInstance {
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
  app.server.maxConnections = options.limits.connectionsMax
  app.setErrorHandler(handleError)
  app.setNotFoundHandler(handleNotFound)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null))
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS)
    reply.header('x-request-id', request.id)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    logAnswer(request, reply)
    done()
  })
  addRateLimits(app, options.limits)
  app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: options.title,
        description: 'Every error answers with {"error": {"code", "message"}}.',
        version: options.version,
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
  })
  return app
}

/** The routes of every server of ours that describes itself: metrics, and the description. */
export function addMetricsAndDescription(app: FastifyInstance, metrics: MetricsText): void {
  const schema = {
    summary: 'Metrics in the Prometheus text format',
    tags: ['operation'],
    response: {
      200: { description: 'Metrics', content: { 'text/plain': { schema: Type.String() } } },
      '5xx': ErrorBody,
    },
  }
  app.get('/metrics', { schema }, async (_request, reply) => {
    const text = await metrics.render()
    return reply.type(metrics.contentType).send(text)
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}

/** Gives every path an answer for the methods that it does not take. */
export function addMethodRefusals(routes: FastifyInstance, urls: readonly string[]): void {
  for (const url of urls) {
    const isTaken = (method: string): boolean => routes.hasRoute({ method, url })
    const allowed = routes.supportedMethods.filter(isTaken)
    const refused = routes.supportedMethods.filter((method) => !isTaken(method))
    const handler = createMethodRefusal(allowed)
    routes.route({ method: refused, url, schema: { hide: true }, handler })
  }
}
