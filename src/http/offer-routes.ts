/**
 * Offers on request: what is offered to a customer who is there now, and the customer's yes. Called
 * once per conversation, so many times a second: answered from memory.
 */

import type { FastifyInstance, FastifyReply } from 'fastify'
import Type, { type Static } from 'typebox'
import type {
  AcceptAnswer,
  AcceptOutcome,
  Offer,
  OfferAnswer,
  OfferDesk,
  OfferRefusal,
} from '../model/offer.ts'
import { suggestWord } from '../model/spelling.ts'
import { OFFER_PLACES_MAX } from '../model/wire.ts'
import { createGuard } from './access.ts'
import { sendError } from './errors.ts'
import { ExplainedCheck } from './explain-route.ts'
import { ACCEPT_PATH, OFFERS_PATH } from './offer-paths.ts'
import { ErrorBody, SubscriberParams, TimeMs } from './schemas.ts'

const PLACES = 'where the answer is from: a partition, and the last input that it had applied'
const Place = {
  partition: Type.Integer(),
  position: Type.Number({ description: PLACES }),
}

const Action = Type.Object(
  {
    kind: Type.String(),
    amount: Type.Optional(Type.Number()),
    unit: Type.Optional(Type.String()),
    tag: Type.Optional(Type.String()),
    value: Type.Optional(Type.Boolean()),
  },
  { description: 'what is done when it is accepted: a credit, or a tag' },
)

const OffersBody = Type.Object({
  offers: Type.Array(
    Type.Object({
      trigger: Type.String(),
      place: Type.Integer({
        description: '1 is the strongest; places of control groups stay empty',
      }),
      message: Type.String({
        description: 'for whoever speaks to the customer; empty where there is an action',
      }),
      action: Type.Optional(Action),
      value: Type.Number(),
      layer: Type.Union([Type.String(), Type.Null()]),
      validUntilMs: Type.Optional(TimeMs("end of the trigger's validity, exclusive")),
    }),
    { description: 'strongest first' },
  ),
  ...Place,
  why: Type.Optional(
    Type.Array(Type.Object({ trigger: Type.String(), check: ExplainedCheck }), {
      description: 'of the other triggers of the channel: the first check that stops each',
    }),
  ),
})

const AcceptedBody = Type.Object({
  id: Type.String({ description: 'of the delivery' }),
  ...Place,
})

const RefusedBody = Type.Object({
  error: ErrorBody.properties.error,
  reason: Type.String({ description: 'as in suppressions; or held-out, gone' }),
  detail: Type.Union([Type.String(), Type.Null()], {
    description: 'which cap, which value, the experiment, or the trigger that won',
  }),
  ...Place,
})

const PendingBody = Type.Object({
  status: Type.Literal('pending', {
    description: 'not applied yet; ask again with the same Idempotency-Key',
  }),
  partition: Type.Integer(),
})

const Channel = Type.String({ minLength: 1, maxLength: 31, description: 'an inbound channel' })

const OffersQuery = Type.Object(
  {
    channel: Channel,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: OFFER_PLACES_MAX })),
    why: Type.Optional(
      Type.Boolean({ description: 'look only: says why not, and nothing counts as shown' }),
    ),
  },
  { additionalProperties: false },
)

const AcceptQuery = Type.Object({ channel: Channel }, { additionalProperties: false })

const AcceptParams = Type.Object({
  ...SubscriberParams.properties,
  trigger: Type.String({ minLength: 1, maxLength: 63, description: 'its id' }),
})

const AcceptHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 128,
      description: 'the same for repeats of one acceptance: it happens once',
    }),
  ),
})

const GUARDED = 'Takes the bearer token unless asked on the worker’s own machine.'

/** Adds both routes. `desk` null: this worker offers nothing. */
export function addOfferRoutes(
  app: FastifyInstance,
  desk: OfferDesk | null,
  token: string | null,
): void {
  addOffers(app, desk, token)
  addAccept(app, desk, token)
}

function addOffers(app: FastifyInstance, desk: OfferDesk | null, token: string | null): void {
  const schema = {
    summary: 'The next best offers for a customer who is there now',
    description:
      `${GUARDED} Answered by the worker that owns the subscriber’s partition. What is answered ` +
      'counts as shown.',
    tags: ['data'],
    security: [{ bearer: [] }, {}],
    params: SubscriberParams,
    querystring: OffersQuery,
    response: { 200: OffersBody, '4xx': ErrorBody, '5xx': ErrorBody },
  }
  app.get<{ Params: Static<typeof SubscriberParams>; Querystring: Static<typeof OffersQuery> }>(
    OFFERS_PATH,
    {
      schema,
      onRequest: createGuard(token, 'read-person'),
      onResponse: (_request, reply, done) => {
        desk?.noteDuration(reply.elapsedTime)
        done()
      },
    },
    async (request, reply) => {
      if (desk === null) return sendNotHere(reply)
      const { channel, limit = OFFER_PLACES_MAX, why = false } = request.query
      const subscriber = Number(request.params.id)
      const answer = desk.ask({ subscriber, channel, limit, isExplaining: why })
      if (answer.kind !== 'offers') return sendNoAnswer(reply, answer, channel)
      const { partition, position, offers, refusals } = answer
      const body = { offers: offers.map(bodyOf), position, partition }
      return why ? { ...body, why: refusals satisfies readonly OfferRefusal[] } : body
    },
  )
}

function addAccept(app: FastifyInstance, desk: OfferDesk | null, token: string | null): void {
  const schema = {
    summary: 'A customer takes an offer',
    description:
      `${GUARDED} Checked once more where it stands in the log: 200 with the id of the delivery, ` +
      '409 with the reason why not, 202 when neither is known in time.',
    tags: ['data'],
    security: [{ bearer: [] }, {}],
    params: AcceptParams,
    querystring: AcceptQuery,
    headers: AcceptHeaders,
    response: {
      200: AcceptedBody,
      202: PendingBody,
      409: RefusedBody,
      '4xx': ErrorBody,
      '5xx': ErrorBody,
    },
  }
  app.post<{
    Params: Static<typeof AcceptParams>
    Querystring: Static<typeof AcceptQuery>
    Headers: Static<typeof AcceptHeaders>
  }>(
    ACCEPT_PATH,
    { schema, onRequest: createGuard(token, 'read-person') },
    async (request, reply) => {
      if (desk === null) return sendNotHere(reply)
      const { id, trigger } = request.params
      const { channel } = request.query
      const key = request.headers['idempotency-key'] ?? null
      const answer = await desk.accept({ subscriber: Number(id), trigger, channel, key })
      switch (answer.kind) {
        case 'accepted': {
          const { partition, position } = answer
          return { id: answer.id, partition, position }
        }
        case 'refused':
        case 'held-out':
        case 'gone':
          return sendRefused(reply, answer)
        case 'pending':
          return reply.code(202).send({ status: 'pending', partition: answer.partition })
        case 'unknown-offer': {
          const hint = suggestWord(trigger, answer.offers)
          const message = 'This channel offers nothing of this name.'
          return sendError(reply, 404, 'HW_OFFER_UNKNOWN', withHint(message, hint))
        }
        default:
          return sendNoAnswer(reply, answer, channel)
      }
    },
  )
}

function bodyOf({ validUntilMs, action, ...offer }: Offer) {
  return {
    ...offer,
    ...(validUntilMs === null ? {} : { validUntilMs }),
    ...(action === null ? {} : { action }),
  }
}

type Refused = Extract<AcceptAnswer, { kind: 'refused' | 'held-out' | 'gone' }>

function sendRefused(reply: FastifyReply, answer: Refused): FastifyReply {
  const { partition, position } = answer
  const { reason, detail } = reasonOf(answer)
  const message = `The offer is not to be had any more: ${reason}.`
  const error = { code: 'HW_OFFER_REFUSED', message }
  return reply.code(409).send({ error, reason, detail, partition, position })
}

function reasonOf(outcome: Exclude<AcceptOutcome, { kind: 'accepted' }>) {
  if (outcome.kind === 'refused') return outcome
  const detail = outcome.kind === 'held-out' ? outcome.experiment : null
  return { reason: outcome.kind, detail }
}

type NoAnswer = Exclude<OfferAnswer, { kind: 'offers' }>

function sendNoAnswer(reply: FastifyReply, answer: NoAnswer, channel: string): FastifyReply {
  switch (answer.kind) {
    case 'not-live': {
      const message = `Partition ${answer.partition} is not live in this worker.`
      return sendError(reply, 503, 'HW_NOT_READY', message)
    }
    case 'busy': {
      const message = 'The log does not take what is shown fast enough; ask again soon.'
      return sendError(reply, 503, 'HW_OFFERS_BUSY', message)
    }
    case 'unknown-subscriber': {
      const message = 'No partition of this worker knows this subscriber.'
      return sendError(reply, 404, 'HW_SUBSCRIBER_UNKNOWN', message)
    }
    case 'unknown-channel': {
      const message = 'There is no inbound channel of this name.'
      const hint = suggestWord(channel, answer.inbound)
      return sendError(reply, 404, 'HW_CHANNEL_UNKNOWN', withHint(message, hint))
    }
  }
}

function sendNotHere(reply: FastifyReply): FastifyReply {
  return sendError(reply, 503, 'HW_NOT_READY', 'This worker offers nothing on request.')
}

function withHint(message: string, hint: string | undefined): string {
  return hint === undefined ? message : `${message} ${hint}`
}
