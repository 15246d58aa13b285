/**
 * A line in the audit for every request that is not GET or HEAD: what it asked for, who it was, and
 * what became of it, also when it was refused. Only requests over the budget have none, so that
 * nobody can fill a disk with them; the log counts them. What customers accept is no act of an
 * operator and stands in OUT, by number: there is a line only where somebody was not let in.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AuditLog } from '../model/audit.ts'
import type { WorkerView } from '../model/view.ts'
import { ACCEPT_PATH } from './offer-paths.ts'
import { maskUrl } from './request-log.ts'

const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD'])
const OVER_BUDGET = 429
const NOT_ALLOWED: ReadonlySet<number> = new Set([401, 403])

const tokenNames = new WeakMap<FastifyRequest, string>()
const outcomes = new WeakMap<FastifyReply, string>()

/** Remembers which token a request came with. */
export function noteToken(request: FastifyRequest, name: string): void {
  tokenNames.set(request, name)
}

/** Remembers what became of a request, in a word or an error's code. */
export function noteOutcome(reply: FastifyReply, outcome: string): void {
  outcomes.set(reply, outcome)
}

/**
 * Writes the lines. When an answer is ready, not when it has arrived: who hangs up in the middle is
 * not forgotten.
 */
export function addAudit(app: FastifyInstance, audit: AuditLog, view: WorkerView): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (READING_METHODS.has(request.method) || reply.statusCode === OVER_BUDGET) return payload
    const isCustomers = request.routeOptions.url === ACCEPT_PATH
    if (isCustomers && !NOT_ALLOWED.has(reply.statusCode)) return payload
    const token = tokenNames.get(request)
    const address = request.socket.remoteAddress ?? 'an unknown address'
    audit.record({
      operation: `${request.method} ${request.routeOptions.url ?? maskUrl(request.url)}`,
      actor: token === undefined ? address : `token ${token} from ${address}`,
      outcome: outcomes.get(reply) ?? String(reply.statusCode),
      generation: view.partitions()[0]?.configGeneration ?? null,
    })
    return payload
  })
}
