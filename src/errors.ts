/**
 * Every error class of Highwater, its code and whether a retry helps. Callers act on `code` and
 * `retryable`, never on the text. Bad input is not an error: it becomes a reject with a reason.
 */

/**
 * Base of all operating failures. `code` is stable and documented; `retryable`: the same call may
 * succeed later.
 */
export abstract class HighwaterError extends Error {
  abstract readonly code: string
  abstract readonly retryable: boolean

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
  }
}

/** Another owner has claimed the output stream: this writer must stop for good. */
export class OutputFencedError extends HighwaterError {
  readonly code = 'HW_OUTPUT_FENCED'
  readonly retryable = false
}

/**
 * OUT holds a ruling that this standby did not know when it was loaded: it is loaded again, since
 * it may have gone past the input that the ruling is about.
 */
export class StandbyOutdatedError extends HighwaterError {
  readonly code = 'HW_STANDBY_OUTDATED'
  readonly retryable = false
}

/**
 * Why a partition refuses to go on (design: "stop rather than guess"). Each has a documented way
 * out.
 */
export type HaltReason =
  | 'input-truncated'
  | 'input-recreated'
  | 'input-gap'
  | 'input-fingerprint'
  | 'output-truncated'
  | 'output-recreated'
  | 'output-gap'
  | 'output-fingerprint'
  | 'sequence-jump'
  | 'digest-mismatch'
  | 'replay-short'
  | 'page-checksum'
  | 'page-missing'
  | 'store-commit'
  | 'clock-ahead'
  | 'genesis-mismatch'
  | 'engine-version'
  | 'engine-failure'

/**
 * The partition halts with a clear error, an alarm and a not-ready answer; only a person may let it
 * go on.
 */
export class PartitionHaltedError extends HighwaterError {
  readonly code = 'HW_PARTITION_HALTED'
  readonly retryable = false
  readonly reason: HaltReason

  constructor(reason: HaltReason, message: string, options?: { cause?: unknown }) {
    super(`${reason}: ${message}`, options)
    this.reason = reason
  }
}

/** The partition's LMDB environment is locked by another living process. */
export class StoreLockedError extends HighwaterError {
  readonly code = 'HW_STORE_LOCKED'
  readonly retryable = true
}

/** A backup could not be taken or restored; what was there before is as it was. */
export class BackupFailedError extends HighwaterError {
  readonly code = 'HW_BACKUP_FAILED'
  readonly retryable = true
}

/** LMDB failed to read, write or commit. */
export class StoreError extends HighwaterError {
  readonly code = 'HW_STORE'
  readonly retryable = false
}

/**
 * The NATS server cannot be reached or does not answer in time; nothing is known to be wrong with
 * the data.
 */
export class BrokerUnavailableError extends HighwaterError {
  readonly code = 'HW_BROKER_UNAVAILABLE'
  readonly retryable = true
}

/**
 * The NATS server answered, and the answer is a refusal (missing stream, missing rights, wrong
 * settings).
 */
export class BrokerRefusedError extends HighwaterError {
  readonly code = 'HW_BROKER_REFUSED'
  readonly retryable = false
}

/**
 * No safe connection to NATS: the server's certificate is not to be trusted, it does not trust
 * ours, or it speaks no TLS.
 */
export class BrokerTlsError extends HighwaterError {
  readonly code = 'HW_BROKER_TLS'
  readonly retryable = false
}

/** A secret cannot be had, or is not of its kind. The text names the setting, never the value. */
export class SecretError extends HighwaterError {
  readonly code = 'HW_SECRET'
  readonly retryable = false
}

/**
 * A stream is at its limit and refuses new messages (discard new): the writer holds back and tries
 * again.
 */
export class StreamFullError extends HighwaterError {
  readonly code = 'HW_STREAM_FULL'
  readonly retryable = true
}

/** Why a reader of OUT cannot go on where it stopped. */
export type FeedBreak = 'truncated' | 'recreated' | 'gap' | 'undecodable'

/**
 * OUT is not what its reader read before: decisions are missing, or it cannot read them. Whoever
 * passed over them would lose deliveries without a word, so a person decides.
 */
export class FeedBrokenError extends HighwaterError {
  readonly code = 'HW_FEED_BROKEN'
  readonly retryable = false
  readonly reason: FeedBreak

  constructor(reason: FeedBreak, message: string, options?: { cause?: unknown }) {
    super(`${reason}: ${message}`, options)
    this.reason = reason
  }
}

/** Another gateway has claimed this channel of this partition: this one must stop for good. */
export class GatewayFencedError extends HighwaterError {
  readonly code = 'HW_GATEWAY_FENCED'
  readonly retryable = false
}

/**
 * GATE does not say what was sent and what not: it was truncated, made anew, or cannot be read.
 * Whoever went on would send again what was sent, so a person decides.
 */
export class GateBrokenError extends HighwaterError {
  readonly code = 'HW_GATE_BROKEN'
  readonly retryable = false
}

/** The configuration is invalid; `problems` lists every one of them with file, line and column. */
export class ConfigInvalidError extends HighwaterError {
  readonly code = 'HW_CONFIG_INVALID'
  readonly retryable = false
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
  }
}

/**
 * One mistake in a configuration text. line and column count from 1; suggestion is ready to read.
 */
export interface ConfigProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly code: string
  readonly message: string
  readonly suggestion?: string
}

/**
 * Command-line usage or environment mistakes: a sentence for the person at the keyboard, exit code
 * 2.
 */
export class UsageError extends HighwaterError {
  readonly code = 'HW_USAGE'
  readonly retryable = false
}

/** Renders a problem as `file:line:column code message (suggestion)`. */
export function formatProblem(problem: ConfigProblem): string {
  const place = `${problem.file}:${problem.line}:${problem.column}`
  const hint = problem.suggestion === undefined ? '' : ` (${problem.suggestion})`
  return `${place} ${problem.code}: ${problem.message}${hint}`
}

/** A broken invariant: the partition stops. Use for what can only be a mistake of ours. */
export function assert(condition: boolean, message = 'invariant broken'): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** Thrown by `assert`; never caught except to stop. */
export class AssertionError extends HighwaterError {
  readonly code = 'HW_ASSERTION'
  readonly retryable = false
}
