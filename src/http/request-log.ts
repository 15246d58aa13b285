/**
 * One line per request, without a subscriber number in it: the route's pattern instead of the url,
 * and digits masked in whatever else a caller can put into a line.
 */

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { maskDigits } from '../model/masking.ts'
import { ACCEPT_PATH, OFFERS_PATH } from './offer-paths.ts'

/** Routes that machines call all the time: their lines are for debugging only. */
const PROBED_ROUTES = new Set(['/metrics', '/-/healthy', '/-/ready', OFFERS_PATH, ACCEPT_PATH])

const URL_LENGTH_MAX = 200

/** A child of the worker's logger that writes no request and no error without masking it. */
export function createMaskedLogger(logger: Logger): Logger {
  return logger.child(
    { component: 'http' },
    {
      serializers: {
        req: (request: { method?: string; url?: string }) => ({
          method: request.method,
          url: maskUrl(request.url ?? ''),
        }),
        err: (error: unknown) => describeError(error),
      },
    },
  )
}

/** Writes the line of a request that has been answered. */
export function logAnswer(request: FastifyRequest, reply: FastifyReply): void {
  const route = request.routeOptions.url
  const line = {
    method: request.method,
    url: route ?? maskUrl(request.url),
    statusCode: reply.statusCode,
    durationMs: Math.round(reply.elapsedTime * 1000) / 1000,
    peer: request.socket.remoteAddress,
  }
  if (route !== undefined && PROBED_ROUTES.has(route)) request.log.debug(line, 'answered')
  else if (reply.statusCode >= 500) request.log.warn(line, 'answered')
  else request.log.info(line, 'answered')
}

/** The path alone, every digit replaced, also those of percent-encoding; cut at 200 characters. */
export function maskUrl(url: string): string {
  const path = url.split(/[?#]/, 1)[0] ?? ''
  return path.slice(0, URL_LENGTH_MAX).replace(/\d/g, '#')
}

/** What an error says, runs of five and more digits replaced; its causes likewise. */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: maskDigits(String(error)) }
  const code = 'code' in error ? error.code : undefined
  return {
    type: error.name,
    code,
    message: maskDigits(error.message),
    stack: maskDigits(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  }
}
