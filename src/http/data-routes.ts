/**
 * What the worker knows: subscribers, triggers, partitions. All of it is read at the time of the
 * request.
 */

import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import type { WorkerView } from '../model/view.ts'
import { createGuard } from './access.ts'
import { addChannelRoute } from './channel-route.ts'
import { addJourneyRoute } from './journey-route.ts'
import { sendError } from './errors.ts'
import { detailPartition } from './partition-body.ts'
import { addPlannedRoute } from './planned-route.ts'
import {
  ErrorBody,
  PartitionsBody,
  SubscriberBody,
  SubscriberParams,
  TriggersBody,
} from './schemas.ts'

/** Adds the routes below `/v1`. `token`: bearer token, null when none is configured. */
export function addDataRoutes(app: FastifyInstance, view: WorkerView, token: string | null): void {
  const subscriberSchema = {
    summary: 'What is known of one subscriber: counters, tags, pending deliveries, caps',
    description: 'Takes the bearer token unless asked on the worker’s own machine.',
    tags: ['data'],
    security: [{ bearer: [] }, {}],
    params: SubscriberParams,
    response: { 200: SubscriberBody, '4xx': ErrorBody, '5xx': ErrorBody },
  }
  app.get<{ Params: Static<typeof SubscriberParams> }>(
    '/v1/subscribers/:id',
    { schema: subscriberSchema, onRequest: createGuard(token, 'read-person') },
    async (request, reply) => {
      const subscriber = view.subscriber(Number(request.params.id))
      if (subscriber === null) {
        const message = 'No partition of this worker knows this subscriber.'
        return sendError(reply, 404, 'HW_SUBSCRIBER_UNKNOWN', message)
      }
      return subscriber
    },
  )

  const triggersSchema = {
    summary: 'Triggers in force, with what became of their candidates',
    tags: ['data'],
    response: { 200: TriggersBody, '5xx': ErrorBody },
  }
  app.get('/v1/triggers', { schema: triggersSchema }, async () => ({ triggers: view.triggers() }))

  const partitionsSchema = {
    summary: 'Partitions of this worker: status, positions, counts',
    tags: ['data'],
    response: { 200: PartitionsBody, '5xx': ErrorBody },
  }
  app.get('/v1/partitions', { schema: partitionsSchema }, async () => ({
    partitions: view.partitions().map(detailPartition),
  }))

  addChannelRoute(app, view)
  addJourneyRoute(app, view)
  addPlannedRoute(app, view)
}
