/** The audit: who asked for a change of a worker, and what became of it. */

/** One operation that somebody asked for, done or not. */
export interface AuditEntry {
  /** What was asked for: `PUT /-/reload`, `SIGHUP`, `highwater init`. */
  readonly operation: string
  /** Who: `token ops from 192.0.2.7`, `192.0.2.7`, `user ada on host`. */
  readonly actor: string
  /** In a word or a code: `applied`, `unchanged`, `done`, `HW_HTTP_UNAUTHORIZED`. */
  readonly outcome: string
  /** Generation of the configuration in force afterwards; null where none is known. */
  readonly generation: number | null
}

/** Where entries go. */
export interface AuditLog {
  /** Writes one line before it returns; never throws, and never drops an entry in silence. */
  record(entry: AuditEntry): void
}
