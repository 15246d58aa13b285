/**
 * What operators and their machines call: metrics, health, readiness, reload, and the list of it
 * all.
 */

import type { FastifyInstance, FastifyReply } from 'fastify'
import type { PartitionView, ReloadOutcome, WorkerView } from '../model/view.ts'
import { createGuard } from './access.ts'
import { noteOutcome } from './audit.ts'
import { addMetricsAndDescription, type MetricsText } from './base-app.ts'
import { sendError } from './errors.ts'
import { describePartition } from './partition-body.ts'
import { ErrorBody, HealthyBody, NotReadyBody, ReadyBody, ReloadBody } from './schemas.ts'

/**
 * Adds the operators' routes. `token`: bearer token of what writes, null when none is configured.
 */
export function addOperationRoutes(
  app: FastifyInstance,
  view: WorkerView,
  metrics: MetricsText,
  token: string | null,
): void {
  addIndex(app, view)
  addHealth(app, view)
  addReload(app, view, token)
  addMetricsAndDescription(app, metrics)
}

function addHealth(app: FastifyInstance, view: WorkerView): void {
  const healthySchema = {
    summary: 'Whether the process answers at all',
    description:
      'A halted partition does not make the process unhealthy: a restart would not help.',
    tags: ['operation'],
    response: { 200: HealthyBody },
  }
  app.get('/-/healthy', { schema: healthySchema }, async () => ({ status: 'healthy' }))

  const readySchema = {
    summary: 'Whether all owned partitions are live',
    description:
      'Not ready during recovery, from the start of a drain, while any is halted, and while there ' +
      'are only standbys.',
    tags: ['operation'],
    response: { 200: ReadyBody, 503: NotReadyBody },
  }
  app.get('/-/ready', { schema: readySchema }, async (_request, reply) => {
    const partitions = view.partitions()
    const isLive = partitions.some(({ status }) => status === 'live')
    // A standby beside owned partitions hinders nobody; alone it has nothing to be ready for.
    const waiting = partitions.filter(
      ({ status }) => status !== 'live' && !(isLive && status === 'standby'),
    )
    if (partitions.length > 0 && waiting.length === 0) {
      return { status: 'ready', partitions: partitions.map(describePartition) }
    }
    const message =
      partitions.length === 0 ? 'The worker owns no partition.' : waiting.map(sentence).join(' ')
    return reply.code(503).send({
      error: { code: 'HW_NOT_READY', message },
      partitions: waiting.map(describePartition),
    })
  })
}

function sentence(view: PartitionView): string {
  const { partition, status, halt } = describePartition(view)
  const why = halt === null ? '' : `: ${halt.reason ?? halt.code}`
  return `Partition ${partition} is ${status}${why}.`
}

function addReload(app: FastifyInstance, view: WorkerView, token: string | null): void {
  const schema = {
    summary: 'Loads the configuration again: all of it or nothing',
    description:
      'Takes the bearer token. Without a configured token it is accepted from the worker’s own ' +
      'machine only. On any error the old configuration keeps running. The body is ignored.',
    tags: ['operation'],
    security: [{ bearer: [] }],
    response: { 200: ReloadBody, 422: ErrorBody, '4xx': ErrorBody, '5xx': ErrorBody },
  }
  app.route({
    method: ['PUT', 'POST'],
    url: '/-/reload',
    schema,
    onRequest: createGuard(token, 'write'),
    handler: async (request, reply) => {
      const peer = request.socket.remoteAddress ?? 'an unknown peer'
      return answerReload(reply, await view.reload(`HTTP ${request.method} from ${peer}`))
    },
  })
}

function answerReload(reply: FastifyReply, outcome: ReloadOutcome): FastifyReply {
  switch (outcome.kind) {
    case 'applied':
    case 'unchanged': {
      const notes = outcome.kind === 'applied' ? outcome.notes : []
      noteOutcome(reply, outcome.kind)
      return reply.send({ outcome: outcome.kind, generation: outcome.generation, notes })
    }
    case 'invalid': {
      const count = outcome.problems.length
      const message = `The configuration has ${count} ${count === 1 ? 'mistake' : 'mistakes'}; the old one keeps running.`
      return sendError(reply, 422, 'HW_CONFIG_INVALID', message, outcome.problems)
    }
    case 'failed':
      return sendError(reply, 503, 'HW_RELOAD_FAILED', outcome.error)
  }
}

const LINKS: readonly (readonly [path: string, text: string])[] = [
  ['/metrics', 'metrics for Prometheus'],
  ['/-/healthy', 'whether the process answers'],
  ['/-/ready', 'whether all owned partitions are live'],
  ['/v1/partitions', 'partitions'],
  ['/v1/triggers', 'triggers'],
  ['/openapi.json', 'description of this interface (OpenAPI)'],
]

function addIndex(app: FastifyInstance, view: WorkerView): void {
  const items = LINKS.map(([path, text]) => `<li><a href="${path}">${path}</a> ${text}</li>`)
  app.get('/', { schema: { hide: true } }, async (_request, reply) => {
    const version = view.version.replace(/[^\w.+-]/g, '')
    reply.type('text/html; charset=utf-8')
    return reply.send(
      `<!doctype html><html lang="en"><title>Highwater</title><h1>Highwater ${version}</h1>` +
        `<ul>${items.join('')}<li>/v1/subscribers/{number} what is known of one subscriber</li>` +
        '<li>PUT or POST /-/reload loads the configuration again</li></ul></html>\n',
    )
  })
}
