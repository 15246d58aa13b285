/** Erasure of one subscriber: a request goes into the log, and the answer says where it stands. */

import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import type { EraseSubscribers } from '../model/erasure.ts'
import { createGuard } from './access.ts'
import { sendError } from './errors.ts'
import { answerStored } from './log-write.ts'
import { ErasureBody, ErrorBody, SubscriberParams } from './schemas.ts'

/** Adds the route. `erase` null: this worker has no way into the log. */
export function addErasureRoute(
  app: FastifyInstance,
  erase: EraseSubscribers | null,
  token: string | null,
): void {
  const schema = {
    summary: 'Forgets a subscriber',
    description:
      'Takes the bearer token. Answers 202 once the erasure stands in the log of the partition, ' +
      'whoever owns that. It is done when the partition’s appliedSequence has reached `sequence`, ' +
      'and nothing is left on the worker’s disk when its erasureResidue is false. Subscribers that ' +
      'nobody knows are accepted, too: the answer does not tell who is known.',
    tags: ['data'],
    security: [{ bearer: [] }],
    params: SubscriberParams,
    response: { 202: ErasureBody, '4xx': ErrorBody, '5xx': ErrorBody },
  }
  app.delete<{ Params: Static<typeof SubscriberParams> }>(
    '/v1/subscribers/:id',
    { schema, onRequest: createGuard(token, 'write') },
    async (request, reply) => {
      const subscriber = Number(request.params.id)
      if (subscriber === 0) {
        return sendError(reply, 400, 'HW_HTTP_BAD_REQUEST', 'A subscriber number is not 0.')
      }
      return answerStored(reply, erase, async (store) => {
        const [receipt] = await store([subscriber])
        return { id: receipt!.id, body: receipt }
      })
    },
  )
}
