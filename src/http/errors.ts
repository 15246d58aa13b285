/**
 * How a request that cannot be answered is answered: always `{error: {code, message}}`, never a
 * stack.
 */

import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { HighwaterError } from '../errors.ts'
import { noteOutcome } from './audit.ts'

/** Sent with every answer: nothing here is for framing, sniffing, caching or running. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

const CLIENT_ERRORS: Readonly<Record<number, readonly [code: string, message: string]>> = {
  404: ['HW_HTTP_NOT_FOUND', 'There is nothing at this path.'],
  405: ['HW_HTTP_METHOD_NOT_ALLOWED', 'This path does not take this method.'],
  408: ['HW_HTTP_TIMEOUT', 'The request took too long to arrive.'],
  413: ['HW_HTTP_TOO_LARGE', 'The request body is too large.'],
}

/** Answers with an error body. `problems`: all mistakes of a configuration, with places. */
export function sendError(
  reply: FastifyReply,
  statusCode: number,
  code: string,
  message: string,
  problems?: readonly string[],
): FastifyReply {
  const error = problems === undefined ? { code, message } : { code, message, problems }
  noteOutcome(reply, code)
  return reply.code(statusCode).send({ error })
}

/**
 * Answers for an error that a route threw or that Fastify found. What came from the worker is
 * logged and not shown: its text is for operators, and may name things that a caller need not know.
 */
export function handleError(
  error: FastifyError | HighwaterError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  reply.headers(SECURITY_HEADERS)
  if (error instanceof HighwaterError) {
    request.log.error({ err: error }, 'the worker could not answer')
    const statusCode = error.retryable ? 503 : 500
    return sendError(reply, statusCode, error.code, 'The worker could not answer; see its log.')
  }
  if (error.validation !== undefined) {
    return sendError(reply, 400, 'HW_HTTP_BAD_REQUEST', error.message)
  }
  const statusCode = error.statusCode ?? 500
  if (statusCode >= 400 && statusCode < 500) {
    const [code, message] = CLIENT_ERRORS[statusCode] ?? [
      'HW_HTTP_BAD_REQUEST',
      'The request cannot be understood.',
    ]
    return sendError(reply, statusCode, code, message)
  }
  request.log.error({ err: error }, 'a request failed')
  return sendError(reply, 500, 'HW_HTTP_INTERNAL', 'The worker could not answer; see its log.')
}

/** Answers 404. */
export function handleNotFound(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const [code, message] = CLIENT_ERRORS[404]!
  return sendError(reply, 404, code, message)
}

/** Makes the answer 405 for a path that takes only `allowed`. */
export function createMethodRefusal(
  allowed: readonly string[],
): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> {
  const [code, message] = CLIENT_ERRORS[405]!
  return async (_request, reply) => {
    reply.header('allow', allowed.join(', '))
    return sendError(reply, 405, code, message)
  }
}

type ConnectionError = readonly [status: string, answer: readonly [code: string, message: string]]

const NO_REQUEST: ConnectionError = [
  '400 Bad Request',
  ['HW_HTTP_BAD_REQUEST', 'This is no HTTP request.'],
]

/** By the codes of Node's parser. */
const CONNECTION_ERRORS: Readonly<Record<string, ConnectionError>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', CLIENT_ERRORS[408]!],
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    ['HW_HTTP_HEADERS_TOO_LARGE', 'The address and the headers of the request are too long.'],
  ],
}

/**
 * Answers bytes that are no HTTP request, or that took too long to become one, and closes the
 * connection.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, [code, message]] = CONNECTION_ERRORS[error.code ?? ''] ?? NO_REQUEST
  const body = JSON.stringify({ error: { code, message } })
  const head = [
    `HTTP/1.1 ${status}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
