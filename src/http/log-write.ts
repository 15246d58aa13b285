/** How routes answer that put something into a partition's log: 202 once it stands there. */

import type { FastifyReply } from 'fastify'
import { HighwaterError } from '../errors.ts'
import { noteOutcome } from './audit.ts'
import { sendError } from './errors.ts'

/** What stands in the log: its id for the audit, and the body of the answer. */
export interface LogReceipt {
  readonly id: string | undefined
  readonly body: unknown
}

/**
 * Stores something by `way` and answers 202; 503 without a way (null) or where the same request may
 * be made again, 500 where that does not help.
 */
export async function answerStored<Way>(
  reply: FastifyReply,
  way: Way | null,
  store: (way: Way) => Promise<LogReceipt>,
): Promise<FastifyReply> {
  if (way === null) {
    return sendError(reply, 503, 'HW_NOT_READY', 'This worker has no way into the log.')
  }
  try {
    const { id, body } = await store(way)
    noteOutcome(reply, `stored ${id}`)
    return reply.code(202).send(body)
  } catch (error) {
    if (!(error instanceof HighwaterError)) throw error
    const message = 'The log did not take it; the same request may be made again.'
    return sendError(reply, error.retryable ? 503 : 500, error.code, message)
  }
}
