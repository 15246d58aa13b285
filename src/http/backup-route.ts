/** The route that takes backups. The directory is the configuration's; a request names none. */

import type { FastifyInstance, FastifyReply } from 'fastify'
import Type from 'typebox'
import type { BackupOutcome } from '../model/backup.ts'
import { PARTITION_COUNT_MAX } from '../model/wire.ts'
import { createGuard } from './access.ts'
import { sendError } from './errors.ts'
import { ErrorBody } from './schemas.ts'

/** Takes a backup of one partition; null: of all that the worker has. Never rejects. */
export type BackupHandler = (partition: number | null) => Promise<BackupOutcome>

const BackupBody = Type.Object({
  backups: Type.Array(
    Type.Object({
      version: Type.Literal(1),
      file: Type.String(),
      partition: Type.Integer(),
      partitionCount: Type.Integer(),
      generation: Type.Integer(),
      inputSequence: Type.Integer(),
      decisionNumber: Type.Integer(),
      engine: Type.String(),
      takenAt: Type.String({ format: 'date-time' }),
      pageCount: Type.Integer(),
      sizeBytes: Type.Integer(),
      sha256: Type.String(),
    }),
  ),
})

/** Adds `POST /-/backup`. `backup` absent: nothing here has a store. */
export function addBackupRoute(
  app: FastifyInstance,
  backup: BackupHandler | undefined,
  token: string | null,
): void {
  const schema = {
    summary: 'Copies the last checkpoint of one partition, or of all, into backup.directory',
    description:
      'Takes the bearer token. Without a configured token it is accepted from the worker’s own ' +
      'machine only. Answers when the copy is on disk; partitions go on working meanwhile.',
    tags: ['operation'],
    security: [{ bearer: [] }],
    querystring: Type.Object(
      { partition: Type.Optional(Type.Integer({ minimum: 0, maximum: PARTITION_COUNT_MAX - 1 })) },
      { additionalProperties: false },
    ),
    response: { 200: BackupBody, '4xx': ErrorBody, '5xx': ErrorBody },
  }
  app.post<{ Querystring: { partition?: number } }>(
    '/-/backup',
    { schema, onRequest: createGuard(token, 'write') },
    async (request, reply) => {
      const { partition = null } = request.query
      const outcome = await (backup?.(partition) ?? ({ kind: 'not-configured' } as const))
      return answer(reply, outcome)
    },
  )
}

function answer(reply: FastifyReply, outcome: BackupOutcome): FastifyReply {
  switch (outcome.kind) {
    case 'taken':
      return reply.send({ backups: outcome.backups })
    case 'not-configured':
      return sendError(reply, 409, 'HW_BACKUP_NOT_CONFIGURED', 'backup.directory is not set.')
    case 'no-image':
      return sendError(reply, 404, 'HW_BACKUP_NO_IMAGE', `Nothing to copy: ${outcome.error}.`)
    case 'busy':
      return sendError(reply, 409, 'HW_BACKUP_BUSY', 'A backup is being taken already.')
    case 'failed':
      return sendError(reply, 503, 'HW_BACKUP_FAILED', `No backup: ${outcome.error}.`)
  }
}
