/** The route by which an operator takes back what is pending. */

import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { CancelDeliveries } from '../model/cancellation.ts'
import { createGuard } from './access.ts'
import { answerStored } from './log-write.ts'
import { ErrorBody } from './schemas.ts'

const CancelBody = Type.Object({
  cancellations: Type.Array(
    Type.Object({
      id: Type.String({ description: 'names the cancellation in the log and the audit' }),
      partition: Type.Integer(),
      sequence: Type.Number({ description: 'where it stands in the input of the partition' }),
    }),
  ),
})

const Query = Type.Object(
  {
    trigger: Type.Optional(Type.String({ minLength: 1, maxLength: 63, description: 'its id' })),
    channel: Type.Optional(Type.String({ minLength: 1, maxLength: 31, description: 'its name' })),
    subscriber: Type.Optional(Type.Integer({ minimum: 1, maximum: 999_999_999_999_999 })),
  },
  { additionalProperties: false, minProperties: 1 },
)

/** Adds `POST /-/cancel`. `cancel` null: this worker has no way into the log. */
export function addCancelRoute(
  app: FastifyInstance,
  cancel: CancelDeliveries | null,
  token: string | null,
): void {
  const schema = {
    summary: 'Takes back what is pending of a trigger, a channel, a subscriber',
    description:
      'Takes the bearer token. What meets everything that is named is dropped as ' +
      '`cancelled-by-operator`. Answers 202 once the cancellation stands in the log of every ' +
      'partition that it may concern, whoever owns that.',
    tags: ['operation'],
    security: [{ bearer: [] }],
    querystring: Query,
    response: { 202: CancelBody, '4xx': ErrorBody, '5xx': ErrorBody },
  }
  app.post<{ Querystring: Static<typeof Query> }>(
    '/-/cancel',
    { schema, onRequest: createGuard(token, 'write') },
    async (request, reply) => {
      const { trigger = null, channel = null, subscriber = null } = request.query
      return answerStored(reply, cancel, async (store) => {
        const cancellations = await store({ trigger, channel, subscriber })
        return { id: cancellations[0]?.id, body: { cancellations } }
      })
    },
  )
}
