/**
 * What one client may take: requests per minute by its address, in two budgets, for what writes and
 * for what reads. Health and readiness are never refused: whoever asks for them restarts us.
 */

import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendError } from './errors.ts'
import { ACCEPT_PATH, OFFERS_PATH } from './offer-paths.ts'

/** Bounds of the server. */
export interface HttpLimits {
  /** Requests of one client address (IPv6: of one /64) in a minute that are not GET or HEAD. */
  readonly writesPerMinute: number
  /** The same for GET and HEAD. */
  readonly readsPerMinute: number
  /**
   * The same for offers on request, asked for or accepted: they come from the few machines of a
   * hotline or a website, for all of their customers. Absent: as the settings have it.
   */
  readonly offersPerMinute?: number
  /** Open connections; further ones are closed at once. */
  readonly connectionsMax: number
}

const OFFERS_PER_MINUTE_DEFAULT = 120_000

/** As the settings have them. */
export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  writesPerMinute: 30,
  readsPerMinute: 1_200,
  offersPerMinute: OFFERS_PER_MINUTE_DEFAULT,
  connectionsMax: 256,
}

/** No route reads its body; this is what a stray `curl -d` may send. Bytes. */
export const BODY_SIZE_MAX = 64 * 1024
/** Request line (and so the path) and headers together, bytes. */
export const HEADERS_SIZE_MAX = 8 * 1024
/** Until the last byte of a request is there. */
export const REQUEST_TIMEOUT_MS = 30_000
/** Until the last byte of its headers is there. */
export const HEADERS_TIMEOUT_MS = 10_000

const MINUTE_MS = 60_000
/** Addresses that are remembered; the one that was quiet longest is forgotten first. */
const ADDRESSES_MAX = 10_000

const UNLIMITED_PATHS: ReadonlySet<string> = new Set(['/-/healthy', '/-/ready'])
const OFFER_PATHS: ReadonlySet<string> = new Set([OFFERS_PATH, ACCEPT_PATH])
const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/**
 * Answers 429 with `retry-after` to who is over a budget, before anything else is looked at. Holds
 * for routes that are registered afterwards.
 */
export function addRateLimits(app: FastifyInstance, limits: HttpLimits): void {
  app.register(rateLimit, { global: false, cache: ADDRESSES_MAX })
  app.after(() => {
    const budget = (max: number) => app.createRateLimit({ max, timeWindow: MINUTE_MS })
    const writes = budget(limits.writesPerMinute)
    const reads = budget(limits.readsPerMinute)
    const offers = budget(limits.offersPerMinute ?? OFFERS_PER_MINUTE_DEFAULT)
    app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
      const url = request.routeOptions.url ?? ''
      if (UNLIMITED_PATHS.has(url)) return undefined
      const ofMethod = READING_METHODS.has(request.method) ? reads : writes
      const outcome = await (OFFER_PATHS.has(url) ? offers : ofMethod)(request)
      if (outcome.isAllowed || !outcome.isExceeded) return undefined
      reply.header('retry-after', outcome.ttlInSeconds)
      const message = 'This address makes too many requests; retry-after says when to try again.'
      return sendError(reply, 429, 'HW_HTTP_TOO_MANY', message)
    })
  })
}
