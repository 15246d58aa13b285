/** What is planned for the running day: `highwater watch` asks for it before its looks. */

import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { WorkerView } from '../model/view.ts'
import { ErrorBody, TimeMs } from './schemas.ts'

const PlannedBody = Type.Object({
  partitions: Type.Array(
    Type.Object({
      partition: Type.Integer(),
      clockMs: TimeMs("the partition's clock"),
      decisionNumber: Type.Number({ description: 'last decision that is in these counts' }),
      triggers: Type.Array(
        Type.Object({
          trigger: Type.String(),
          channel: Type.String(),
          deliveries: Type.Integer({ description: 'due before the running day ends' }),
          segments: Type.Integer({ description: 'SMS segments that they would take' }),
        }),
      ),
    }),
    { description: 'live partitions of this worker' },
  ),
})

/** Adds `GET /v1/planned`. */
export function addPlannedRoute(app: FastifyInstance, view: WorkerView): void {
  const schema = {
    summary: 'Deliveries that are planned for the running day, by partition and trigger',
    description: "Days are those of the installation's zone. Looks at every pending delivery.",
    tags: ['data'],
    response: { 200: PlannedBody, '5xx': ErrorBody },
  }
  app.get('/v1/planned', { schema }, async () => ({
    partitions: (await view.planned?.()) ?? [],
  }))
}
