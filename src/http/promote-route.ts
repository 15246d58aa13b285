/** The route by which a standby is told to take over. */

import type { FastifyInstance, FastifyReply } from 'fastify'
import Type from 'typebox'
import type { PromoteStandbys, PromotionOutcome } from '../model/promotion.ts'
import { PARTITION_COUNT_MAX } from '../model/wire.ts'
import { createGuard } from './access.ts'
import { noteOutcome } from './audit.ts'
import { sendError } from './errors.ts'
import { ErrorBody } from './schemas.ts'

const PromotedBody = Type.Object({
  promoted: Type.Array(
    Type.Object({
      partition: Type.Integer(),
      epoch: Type.Integer({ description: 'sequence of the claim in the output stream' }),
    }),
  ),
})

/** Adds `POST /-/promote`. `promote` absent: nothing here follows anything. */
export function addPromoteRoute(
  app: FastifyInstance,
  promote: PromoteStandbys | undefined,
  token: string | null,
): void {
  const schema = {
    summary: 'Makes a standby the owner of its partition, or of all that it follows',
    description:
      'Takes the bearer token. Without a configured token it is accepted from the worker’s own ' +
      'machine only. Answers once the claim stands in the output stream; whoever owned the ' +
      'partition before can publish nothing from then on.',
    tags: ['operation'],
    security: [{ bearer: [] }],
    querystring: Type.Object(
      { partition: Type.Optional(Type.Integer({ minimum: 0, maximum: PARTITION_COUNT_MAX - 1 })) },
      { additionalProperties: false },
    ),
    response: { 200: PromotedBody, '4xx': ErrorBody, '5xx': ErrorBody },
  }
  app.post<{ Querystring: { partition?: number } }>(
    '/-/promote',
    { schema, onRequest: createGuard(token, 'write') },
    async (request, reply) => {
      const { partition = null } = request.query
      return answer(reply, await (promote?.(partition) ?? ({ kind: 'not-standby' } as const)))
    },
  )
}

function answer(reply: FastifyReply, outcome: PromotionOutcome): FastifyReply {
  switch (outcome.kind) {
    case 'promoted':
      noteOutcome(reply, `promoted ${outcome.partitions.map((each) => each.partition).join(', ')}`)
      return reply.send({ promoted: outcome.partitions })
    case 'not-standby':
      return sendError(reply, 409, 'HW_NOT_STANDBY', 'This worker follows no such partition.')
    case 'failed':
      return sendError(reply, 503, outcome.code, outcome.message)
  }
}
