/** HTTP of `highwater watch`: live counts, verdicts, levels; nothing that names a subscriber. */

import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import type { WatchView } from '../model/watch-view.ts'
import {
  addMethodRefusals,
  addMetricsAndDescription,
  createBaseApp,
  type MetricsText,
} from './base-app.ts'
import { sendError } from './errors.ts'
import type { HttpOptions } from './app.ts'
import { DEFAULT_HTTP_LIMITS } from './limits.ts'
import { ErrorBody, HealthyBody, TimeMs } from './schemas.ts'

/** How the server of the watch is set up. */
export type WatchHttpOptions = Pick<HttpOptions, 'limits' | 'logger'>

const Instant = (what: string) =>
  Type.Optional(
    Type.String({
      maxLength: 16,
      description: `${what}: a local day or minute, 2026-11-20 or 2026-11-20T12:00`,
    }),
  )

const StatisticsQuery = Type.Object(
  {
    by: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'what counts are grouped by: trigger, channel, region, day, hour, with commas',
      }),
    ),
    from: Instant('from, inclusive'),
    to: Instant('to, exclusive'),
    trigger: Type.Optional(Type.String({ maxLength: 128 })),
    format: Type.Optional(Type.Enum(['json', 'csv'])),
  },
  { additionalProperties: false },
)

const Counts = Type.Record(Type.String(), Type.Number())

const StatisticsBody = Type.Object({
  groups: Type.Array(
    Type.Object({
      words: Type.Record(Type.String(), Type.String(), { description: 'what it is grouped by' }),
      counts: Counts,
      suppressedBy: Counts,
    }),
  ),
})

const VerdictsQuery = Type.Object(
  { from: Instant('from, inclusive'), to: Instant('to, exclusive') },
  { additionalProperties: false },
)

const WatchBody = Type.Object({
  isReady: Type.Boolean(),
  lookedAtMs: Type.Union([TimeMs('instant of the last look'), Type.Null()]),
  measures: Type.Array(
    Type.Object({
      name: Type.String(),
      level: Type.String({ description: 'good, normal, warning or alarm' }),
      sinceMs: TimeMs('since when'),
      value: Type.Union([Type.Number(), Type.Null()]),
    }),
  ),
  partitions: Type.Array(
    Type.Object({
      partition: Type.Integer(),
      number: Type.Number({ description: 'last decision folded' }),
      atMs: TimeMs('clock of the partition then'),
      missing: Type.Number({ description: 'decisions that OUT no longer held' }),
    }),
  ),
})

/** Makes the application; it listens to nothing yet. */
export function createWatchApp(
  view: WatchView,
  metrics: MetricsText,
  options: WatchHttpOptions,
): FastifyInstance {
  const { limits = DEFAULT_HTTP_LIMITS, logger } = options
  const app = createBaseApp({ title: 'Highwater watch', version: view.version, limits, logger })
  app.register(async (routes) => {
    const urls = new Set<string>()
    routes.addHook('onRoute', ({ url }) => void urls.add(url))
    addStatistics(routes, view)
    addOperation(routes, view, metrics)
    addMethodRefusals(routes, [...urls])
  })
  return app
}

function addStatistics(app: FastifyInstance, view: WatchView): void {
  const responses = { '4xx': ErrorBody, '5xx': ErrorBody }
  const schema = {
    summary: 'Live counts, grouped; as JSON, or as a table for spreadsheets',
    tags: ['data'],
    querystring: StatisticsQuery,
    response: {
      200: {
        description: 'Counts',
        content: {
          'application/json': { schema: StatisticsBody },
          'text/csv': { schema: Type.String() },
        },
      },
      ...responses,
    },
  }
  app.get<{ Querystring: Static<typeof StatisticsQuery> }>(
    '/v1/statistics',
    { schema },
    async (request, reply) => {
      const { by = 'trigger', from, to, trigger, format = 'json' } = request.query
      const answer = view.statistics({ by, from, to, trigger })
      if (answer.kind === 'unclear') {
        return sendError(reply, 400, 'HW_HTTP_BAD_REQUEST', answer.message)
      }
      if (format === 'json') return reply.type('application/json').send({ groups: answer.groups })
      reply.header('content-disposition', 'attachment; filename="statistics.csv"')
      return reply.type('text/csv; charset=utf-8').send(answer.csv())
    },
  )
  const verdicts = {
    summary: 'Rates and verdicts of all triggers, with intervals of 95 %',
    tags: ['data'],
    querystring: VerdictsQuery,
    response: { 200: Type.Any(), ...responses },
  }
  app.get<{ Querystring: Static<typeof VerdictsQuery> }>(
    '/v1/verdicts',
    { schema: verdicts },
    async (request, reply) => {
      const answer = view.verdicts(request.query.from, request.query.to)
      if (answer.kind === 'report') return reply.send(answer.report)
      return sendError(reply, 400, 'HW_HTTP_BAD_REQUEST', answer.message)
    },
  )
  const watch = {
    summary: 'Levels of the measures, and how far the decisions are folded',
    tags: ['data'],
    response: { 200: WatchBody, ...responses },
  }
  app.get('/v1/watch', { schema: watch }, async () => ({
    isReady: view.isReady(),
    lookedAtMs: view.figures().lookedAtMs,
    measures: view.measures(),
    partitions: view.partitions(),
  }))
}

function addOperation(app: FastifyInstance, view: WatchView, metrics: MetricsText): void {
  const healthy = {
    summary: 'Whether the process answers at all',
    tags: ['operation'],
    response: { 200: HealthyBody },
  }
  app.get('/-/healthy', { schema: healthy }, async () => ({ status: 'healthy' }))
  const ready = {
    summary: 'Whether all decisions were folded once, and nothing stands in the way',
    tags: ['operation'],
    response: { 200: Type.Object({ status: Type.Literal('ready') }), 503: ErrorBody },
  }
  app.get('/-/ready', { schema: ready }, async (_request, reply) => {
    if (view.isReady()) return { status: 'ready' as const }
    const failure = view.failure()
    const message = failure === null ? 'Decisions are being folded.' : `It waits: ${failure}.`
    return sendError(reply, 503, 'HW_NOT_READY', message)
  })
  addMetricsAndDescription(app, metrics)
}
