/** The route that says why a subscriber got a message of a trigger, did not, or did not yet. */

import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { EXPLAIN_STEPS } from '../model/explanation.ts'
import { suggestWord } from '../model/spelling.ts'
import type { WorkerView } from '../model/view.ts'
import { createGuard } from './access.ts'
import { sendError } from './errors.ts'
import { ErrorBody, SubscriberParams, TimeMs } from './schemas.ts'

const Values = Type.Record(
  Type.String(),
  Type.Union([Type.Boolean(), Type.Number(), Type.String(), Type.Null()]),
)
const Nothing = Type.Null()

const DecisionBody = Type.Object({
  status: Type.String({ description: 'pending, waiting, sent, held-out or refused' }),
  period: Type.String(),
  attempt: Type.Integer(),
  generation: Type.Integer({ description: 'of the configuration that decided it' }),
  firedAtMs: TimeMs('event time of what made it fire'),
  atMs: TimeMs('due, sent or refused'),
  values: Type.Record(Type.String(), Type.Number(), { description: 'that made it fire' }),
  passed: Type.Array(Type.String(), { description: 'checks that it passed' }),
  reason: Type.Union([Type.String(), Nothing], { description: 'of a refusal' }),
  detail: Type.Union([Type.String(), Nothing], { description: 'of a cap: which one' }),
  winner: Type.Union([Type.String(), Nothing], { description: 'the trigger that outranked it' }),
  experiment: Type.Union([Type.String(), Nothing], { description: 'that it is held out of' }),
})

/** One check: an ExplainCheck. */
export const ExplainedCheck = Type.Object({
  step: Type.Union(EXPLAIN_STEPS.map((step) => Type.Literal(step))),
  verdict: Type.String({ description: 'passes, stops or waits' }),
  text: Type.String({ description: 'what was asked' }),
  values: Values,
})

/** Answer: an Explanation. */
export const ExplanationBody = Type.Object({
  subscriber: Type.Number(),
  trigger: Type.String(),
  partition: Type.Integer(),
  clockMs: TimeMs("the partition's clock"),
  generation: Type.Integer({ description: 'of the configuration in force' }),
  answer: Type.String({ description: 'yes, no or not-yet' }),
  summary: Type.String({ description: 'the answer in one sentence' }),
  decision: Type.Union([DecisionBody, Nothing], { description: 'the last one, as remembered' }),
  checks: Type.Array(ExplainedCheck, { description: 'what a record that came now would meet' }),
})

const Query = Type.Object(
  { trigger: Type.String({ minLength: 1, maxLength: 63, description: 'id of a trigger' }) },
  { additionalProperties: false },
)

/** Adds `GET /v1/subscribers/:id/explain`. */
export function addExplainRoute(app: FastifyInstance, view: WorkerView, token: string | null) {
  const schema = {
    summary: 'Why a subscriber got a message of a trigger, did not, or did not yet',
    description:
      'Takes the bearer token unless asked on the worker’s own machine. Tells the last decision ' +
      'and every check in its order, with the values that it sees now.',
    tags: ['data'],
    security: [{ bearer: [] }, {}],
    params: SubscriberParams,
    querystring: Query,
    response: { 200: ExplanationBody, '4xx': ErrorBody, '5xx': ErrorBody },
  }
  app.get<{ Params: Static<typeof SubscriberParams>; Querystring: Static<typeof Query> }>(
    '/v1/subscribers/:id/explain',
    { schema, onRequest: createGuard(token, 'read-person') },
    async (request, reply) => {
      const { trigger } = request.query
      const ids = view.triggers().map(({ id }) => id)
      if (!ids.includes(trigger)) {
        const hint = suggestWord(trigger, ids)
        const message = `There is no trigger of this name.${hint === undefined ? '' : ` ${hint}`}`
        return sendError(reply, 404, 'HW_TRIGGER_UNKNOWN', message)
      }
      const explanation = view.explain(Number(request.params.id), trigger)
      if (explanation === null) {
        const message = 'No partition of this worker knows this subscriber.'
        return sendError(reply, 404, 'HW_SUBSCRIBER_UNKNOWN', message)
      }
      return explanation
    },
  )
}
