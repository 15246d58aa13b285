/** The route by which a person tries out what a trigger says. */

import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { suggestWord } from '../model/spelling.ts'
import type { SendTest } from '../model/test-send.ts'
import type { WorkerView } from '../model/view.ts'
import { createGuard } from './access.ts'
import { sendError } from './errors.ts'
import { answerStored } from './log-write.ts'
import { ErrorBody } from './schemas.ts'

const Params = Type.Object({
  trigger: Type.String({ pattern: '^[a-z][a-z0-9-]{0,126}$', description: 'id of a trigger' }),
})

const Query = Type.Object(
  {
    subscriber: Type.Integer({
      minimum: 1,
      maximum: 999_999_999_999_999,
      description: 'a tester, on the list canary',
    }),
  },
  { additionalProperties: false },
)

const ReceiptBody = Type.Object({
  id: Type.String({ description: "names the test in the log, the audit and the delivery's id" }),
  partition: Type.Integer(),
  sequence: Type.Number({ description: 'where it stands in the input of the partition' }),
})

/** Adds the route. `send` null: this worker has no way into the log. */
export function addTestRoute(
  app: FastifyInstance,
  view: WorkerView,
  send: SendTest | null,
  token: string | null,
): void {
  const schema = {
    summary: 'Sends what a trigger says to a tester now',
    description:
      'Takes the bearer token. Answers 202 once the request stands in the log of the ' +
      "subscriber's partition, whoever owns that. It passes latch, caps, window and validity, " +
      'and is in no rate. It is refused there, `not-a-canary`, unless the subscriber is on the ' +
      'list canary, and `message-incomplete` where the message lacks a value.',
    tags: ['operation'],
    security: [{ bearer: [] }],
    params: Params,
    querystring: Query,
    response: { 202: ReceiptBody, '4xx': ErrorBody, '5xx': ErrorBody },
  }
  app.post<{ Params: Static<typeof Params>; Querystring: Static<typeof Query> }>(
    '/v1/triggers/:trigger/test',
    { schema, onRequest: createGuard(token, 'write') },
    async (request, reply) => {
      const { trigger } = request.params
      const ids = view.triggers().map(({ id }) => id)
      if (!ids.includes(trigger)) {
        const hint = suggestWord(trigger, ids)
        const message = `There is no trigger of this name.${hint === undefined ? '' : ` ${hint}`}`
        return sendError(reply, 404, 'HW_TRIGGER_UNKNOWN', message)
      }
      return answerStored(reply, send, async (store) => {
        const receipt = await store({ trigger, subscriber: request.query.subscriber })
        return { id: receipt.id, body: receipt }
      })
    },
  )
}
