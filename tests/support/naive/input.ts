/**
 * What goes into the naive model and what comes out: plain objects, with the engine's words for
 * them.
 */

import type { ScheduleSpec } from '../../../src/model/catalog.ts'
import type { DecisionHead, SuppressionReason } from '../../../src/model/decision.ts'
import type { FeedbackRow, ProfileRow } from '../../../src/model/messages.ts'
import type { ProducerStamp } from '../../../src/model/usage.ts'

/**
 * One usage record. Codes as in `RAT_CODES` and `KIND_CODES`; rat, app and cell are 0 when not
 * known.
 */
export interface NaiveRecord {
  readonly subscriber: number
  readonly usageBytes: number
  readonly timeMs: number
  readonly rat: number
  readonly app: number
  readonly cell: number
  readonly kind: number
}

/** A gateway's report on one delivery, by its id. */
export type Receipt = FeedbackRow & { readonly deliveryId: string }

/** A message of `IN_<p>` after decoding. Sequences ascend; gaps are of no interest here. */
export type NaiveInput =
  | {
      readonly sequence: number
      readonly kind: 'tick'
      /** Once used, an id changes nothing any more. */
      readonly id: string
      readonly writer: string | null
      readonly timeMs: number | null
    }
  | {
      readonly sequence: number
      readonly kind: 'erase'
      /** Once used, an id changes nothing any more. */
      readonly id: string
      readonly subscribers: readonly number[]
    }
  | {
      readonly sequence: number
      readonly kind: 'usage'
      readonly stamp: Readonly<ProducerStamp>
      readonly records: readonly NaiveRecord[]
    }
  | {
      readonly sequence: number
      readonly kind: 'profile'
      readonly stamp: Readonly<ProducerStamp>
      readonly rows: readonly ProfileRow[]
    }
  | {
      readonly sequence: number
      readonly kind: 'feedback'
      readonly stamp: Readonly<ProducerStamp>
      readonly rows: readonly Receipt[]
    }

/** A decision without what only the configuration knows (generation, channel, message). */
export type NaiveDecision = Omit<DecisionHead, 'generation'> &
  (
    | {
        readonly kind: 'delivery'
        readonly id: string
        readonly notBeforeMs: number
        readonly notAfterMs: number
      }
    | {
        readonly kind: 'holdout'
        readonly id: string
        readonly experiment: string
        readonly notBeforeMs: number
        readonly notAfterMs: number
      }
    | {
        readonly kind: 'suppressed'
        readonly reason: SuppressionReason
        readonly winner?: string
        readonly detail?: string
      }
  )

/** A contact window that is the same every day; minutes of the local day, lengths in ms. */
export interface DailyWindow {
  readonly fromMinute: number
  readonly toMinute: number
  readonly outside: 'defer' | 'drop'
  readonly spreadMs: number
  readonly expiresMs: number
}

/** What varies around S1's trigger. Times in ms, minutes of the local day. */
export interface NaiveParameters {
  readonly trigger: string
  readonly partitionCount: number
  readonly partition: number
  /** Zone of subscribers without one of their own. */
  readonly zone: string
  /** Where the virtual clock starts, and who alone may move it. */
  readonly startMs: number
  readonly tickWriter: string
  readonly thresholdBytes: number
  /** Radio types that data_4g counts, and apps that ott counts. */
  readonly rats: readonly number[]
  readonly ottApps: readonly number[]
  /** Past days and months that data_4g keeps, and past months that ott keeps. */
  readonly keep: number
  readonly keepOtt: number
  readonly latenessMs: number
  readonly earlinessMs: number
  /** `late: fire` */
  readonly isLateFiring: boolean
  readonly schedule: Exclude<ScheduleSpec, { kind: 'delay' }>
  readonly contactWindow: DailyWindow
  readonly capPerMonth: number
  readonly onExpired: 'reschedule' | 'drop'
  readonly attemptsMax: number
  readonly timersPerInputMax: number
}

/** S1 as it stands in scenarios.md; spread and override for variants. */
export const S1_PARAMETERS: NaiveParameters = {
  trigger: 'data-pack',
  partitionCount: 1,
  partition: 0,
  zone: 'Asia/Shanghai',
  startMs: 0,
  tickWriter: 'workload',
  thresholdBytes: 512_000,
  rats: [1, 5, 6],
  ottApps: [1, 2, 3, 4],
  keep: 1,
  keepOtt: 1,
  latenessMs: 48 * 3_600_000,
  earlinessMs: 5 * 60_000,
  isLateFiring: true,
  schedule: { kind: 'at', days: 1, minuteOfDay: 12 * 60 },
  contactWindow: {
    fromMinute: 9 * 60,
    toMinute: 21 * 60,
    outside: 'defer',
    spreadMs: 0,
    expiresMs: 36 * 3_600_000,
  },
  capPerMonth: 1,
  onExpired: 'reschedule',
  attemptsMax: 3,
  timersPerInputMax: 10_000,
}
