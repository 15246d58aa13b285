/** Segments: what is known of them, and a request to select one now. */

import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { SelectSegment } from '../model/selection.ts'
import type { WorkerView } from '../model/view.ts'
import { TAG_VERSION_MAX } from '../model/wire.ts'
import { createGuard } from './access.ts'
import { sendError } from './errors.ts'
import { answerStored } from './log-write.ts'
import { ErrorBody } from './schemas.ts'

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

const SegmentParams = Type.Object({
  name: Type.String({ pattern: '^[a-z][a-z0-9_]{0,62}$', description: 'name of a segment' }),
})

const SelectQuery = Type.Object(
  {
    version: Type.String({
      pattern: '^[1-9][0-9]{0,9}$',
      description: 'version of the tag, above all before it; as a date, 20261110',
    }),
  },
  { additionalProperties: false },
)

const ReceiptBody = Type.Object({
  id: Type.String(),
  segment: Type.String(),
  version: Type.Integer(),
  sequence: Type.Number({ description: 'where it stands in the input of partition 0' }),
})

const Report = Type.Object({
  version: Type.Integer(),
  startMs: Type.Number(),
  endMs: Type.Number(),
  lateMs: Type.Number({ description: 'how late it began after its schedule' }),
  candidates: Type.Number(),
  taken: Type.Number(),
  lowestScore: Nullable(Type.Number({ description: 'the lowest that was taken' })),
  inputs: Type.Number({ description: 'inputs that it was a part of' }),
})

const SegmentsBody = Type.Object({
  segments: Type.Array(
    Type.Object({
      partition: Type.Integer(),
      segment: Type.String(),
      phase: Type.String({
        description: 'idle, held (for a configuration), scoring, counting, waiting, applying, done',
      }),
      progress: Type.Number({ description: 'of the pass under way, 0 to 1' }),
      version: Type.Integer({ description: 'running, or selected last; 0: never' }),
      nextDueMs: Nullable(Type.Number({ description: 'by partition 0 only' })),
      selectedCount: Type.Number(),
      abortedCount: Type.Number(),
      missedCount: Type.Number(),
      last: Nullable(Report),
      total: Nullable(
        Type.Object({
          version: Type.Integer(),
          candidates: Type.Number(),
          taken: Type.Number(),
        }),
      ),
      awaited: Type.Array(Type.Integer(), { description: 'partitions that partition 0 waits for' }),
    }),
  ),
})

/** Adds the routes. `select` null: this worker has no way into the log. */
export function addSegmentRoutes(
  app: FastifyInstance,
  view: WorkerView,
  select: SelectSegment | null,
  token: string | null,
): void {
  const listSchema = {
    summary: 'Segments in force, by partition of this worker',
    tags: ['data'],
    response: { 200: SegmentsBody, '5xx': ErrorBody },
  }
  app.get('/v1/segments', { schema: listSchema }, async () => ({
    segments: view
      .partitions()
      .flatMap(({ partition, segments }) => segments.map((each) => ({ partition, ...each }))),
  }))

  const selectSchema = {
    summary: 'Selects a segment now',
    description:
      'Takes the bearer token. Answers 202 once the request stands in the log of partition 0, ' +
      'whoever owns that. It is refused there when no segment has the name or the version is not ' +
      'above the last one; GET /v1/segments shows what became of it.',
    tags: ['data'],
    security: [{ bearer: [] }],
    params: SegmentParams,
    querystring: SelectQuery,
    response: { 202: ReceiptBody, '4xx': ErrorBody, '5xx': ErrorBody },
  }
  app.post<{ Params: Static<typeof SegmentParams>; Querystring: Static<typeof SelectQuery> }>(
    '/v1/segments/:name/select',
    { schema: selectSchema, onRequest: createGuard(token, 'write') },
    async (request, reply) => {
      const version = Number(request.query.version)
      if (version > TAG_VERSION_MAX) {
        const message = `A version is at most ${TAG_VERSION_MAX}.`
        return sendError(reply, 400, 'HW_HTTP_BAD_REQUEST', message)
      }
      return answerStored(reply, select, async (store) => {
        const receipt = await store(request.params.name, version)
        return { id: receipt.id, body: receipt }
      })
    },
  )
}
