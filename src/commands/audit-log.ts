/**
 * The audit as lines of JSON: in a file of its own, or among the lines of the log. Every field is
 * masked, so that a subscriber number that somebody put into a request does not end up here.
 */

import { appendFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import type { Logger } from 'pino'
import type { AuditEntry, AuditLog } from '../model/audit.ts'
import { maskDigits } from '../model/masking.ts'

/** Only its owner and group read it. */
const FILE_MODE = 0o640

/** What makes an audit log. */
export interface AuditLogOptions {
  /** File to append to, opened for each line (so it may be rotated); null: the log. */
  readonly file: string | null
  /**
   * Takes the lines where there is no file, and complaints about the file, whatever its level says.
   */
  readonly logger: Logger
  readonly nowMs?: () => number
}

/** Opens the audit log; makes no file before the first line. */
export function openAuditLog({ file, logger, nowMs = Date.now }: AuditLogOptions): AuditLog {
  // Its own level: `log.level` says how much of the rest is wanted.
  const always = logger.child({ audit: true }, { level: 'info' })
  return {
    record(entry: AuditEntry): void {
      const { generation } = entry
      const line = {
        operation: maskDigits(entry.operation),
        actor: maskDigits(entry.actor),
        outcome: maskDigits(entry.outcome),
        generation,
      }
      if (file === null) {
        always.info(line, 'audit')
        return
      }
      const time = new Date(nowMs()).toISOString()
      try {
        appendFileSync(file, `${JSON.stringify({ time, ...line })}\n`, { mode: FILE_MODE })
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        always.fatal({ ...line, code }, 'audit: the file cannot be written, the entry stands here')
      }
    },
  }
}

/** Who runs this command, for the entries of commands. */
export function commandActor(): string {
  return `user ${userName()} on ${hostname()}`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under a number that no user list knows.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
