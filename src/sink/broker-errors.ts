/** What a failure of the NATS client means: refused for good, full, or not known. */

import { JetStreamApiError } from '@nats-io/jetstream'
import {
  BrokerRefusedError,
  BrokerUnavailableError,
  HighwaterError,
  StreamFullError,
} from '../errors.ts'

/** err_code values of nats-server's JetStream API (server/errors.json). */
const WRONG_LAST_SEQUENCE_CODES: ReadonlySet<number> = new Set([10071, 10164])
const RESOURCES_EXCEEDED_CODES: ReadonlySet<number> = new Set([10002, 10023, 10028, 10047])
const STREAM_STORE_FAILED_CODE = 10077
const STREAM_NOT_FOUND_CODE = 10059
const NOT_AVAILABLE_STATUS = 500
/** No peers for a new stream, consumer offline: a cluster that is starting says so, with 400. */
const PASSING_CODES: ReadonlySet<number> = new Set([10005, 10119])

/** The stream exists and its last sequence is not the expected one: certainly not stored. */
export function isWrongLastSequence(error: unknown): boolean {
  return error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE_CODES.has(error.code)
}

/** The stream or its account is at a limit: certainly not stored. */
export function isStreamFull(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError)) return false
  if (RESOURCES_EXCEEDED_CODES.has(error.code)) return true
  // The store's own words: "maximum bytes exceeded", "maximum messages exceeded", "no space left on
  // device".
  return (
    error.code === STREAM_STORE_FAILED_CODE && /maximum .* exceeded|no space/.test(error.message)
  )
}

/**
 * The server (or the client before sending) said no for a reason that a retry does not cure:
 * certainly not stored. Answers of class 5xx are the server's own trouble and prove nothing.
 */
export function isRefusal(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof JetStreamApiError) {
      return cause.status < NOT_AVAILABLE_STATUS && !PASSING_CODES.has(cause.code)
    }
    if (cause.name === 'PermissionViolationError') return true
    if (cause.name === 'InvalidArgumentError' || cause.name === 'InvalidSubjectError') return true
  }
  return false
}

/** The user may not publish to this subject: the server itself says so, JetStream never saw it. */
export function isMissingRight(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'PermissionViolationError') return true
  }
  return false
}

/** The server knows no such stream. Takes what `brokerError` made of it. */
export function isStreamMissing(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof JetStreamApiError && cause.code === STREAM_NOT_FOUND_CODE
}

/** Turns any failure of a request into the HighwaterError that callers act on. */
export function brokerError(error: unknown, what: string): HighwaterError {
  if (error instanceof HighwaterError) return error
  const message = error instanceof Error ? `${what}: ${error.message}` : what
  if (isStreamFull(error)) return new StreamFullError(message, { cause: error })
  if (isRefusal(error)) return new BrokerRefusedError(message, { cause: error })
  return new BrokerUnavailableError(message, { cause: error })
}
