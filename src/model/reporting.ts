/**
 * What a configuration says of judging its triggers and of telling people: verdicts, reports, the
 * watch. Made by rules/ from the YAML texts; frozen. Nothing here changes a decision.
 */

/** Which orders speak for a message: by reply, those or with its id, or also by number alone. */
export const ORDER_SOURCES = ['reply', 'direct', 'any'] as const

export type OrderSource = (typeof ORDER_SOURCES)[number]

/**
 * When a trigger did well: its response rate or its order rate is above its threshold, strictly.
 * Shares are within [0, 1]; null: not asked for.
 */
export interface VerdictSpec {
  readonly responseAbove: number | null
  readonly orderAbove: number | null
  /** What comes later than this after its delivery does not count, ms; null: however late. */
  readonly withinMs: number | null
  /** Orders that count. */
  readonly orders: OrderSource
  /** Trigger whose order rate this one's must be above, strictly: its choice was accurate. */
  readonly against: string | null
}

/** What kinds of reports there are, see README, "Reports and verdicts". */
export const REPORT_KINDS = ['sendout', 'daily', 'weekly', 'monthly'] as const

export type ReportKind = (typeof REPORT_KINDS)[number]

/** A report that is made by itself. Minutes are of the day in the installation's zone. */
export interface ReportSpec {
  readonly name: string
  readonly kind: ReportKind
  /** Ids of triggers; null: all of them. */
  readonly triggers: readonly string[] | null
  readonly about: 'everything' | 'complaints'
  /** Of daily, weekly and monthly ones. */
  readonly atMinute: number
  /** Of `sendout`: made between them, as soon as nothing of the day is pending any more. */
  readonly earliestMinute: number
  readonly latestMinute: number
  /** Of `weekly`: Monday is 0. */
  readonly weekday: number
  /** Of `monthly`: days of the month on which it is made for the month before. */
  readonly daysOfMonth: readonly number[]
  readonly message: NoticeSpec | null
}

/** A message to people of the operator, whose numbers stand in the settings, by role. */
export interface NoticeSpec {
  readonly to: readonly string[]
  readonly channel: string
  readonly class: string
  /** With placeholders (NOTICE_WORDS); null: the text that we make. */
  readonly text: string | null
}

/** What a watched measure is of. */
export const MEASURE_KINDS = [
  'deliveries',
  'response',
  'order',
  'complaint',
  'opt-out',
  'failure',
  'capacity',
] as const

export type MeasureKind = (typeof MEASURE_KINDS)[number]

/** Best first. */
export const LEVELS = ['good', 'normal', 'warning', 'alarm'] as const

export type Level = (typeof LEVELS)[number]

/** Beyond which value a level begins, strictly. */
export interface LevelBound {
  readonly direction: 'above' | 'below'
  /** A share, or a number of deliveries. */
  readonly value: number
  /** As it was written, without the direction. */
  readonly text: string
}

/** A level of a measure: where it begins, and what is to be done. `normal` has no bound. */
export interface LevelSpec {
  readonly bound: LevelBound | null
  readonly learn: string | null
  readonly mend: string | null
  readonly by: string | null
}

/** One business number with its four levels. */
export interface MeasureSpec {
  readonly name: string
  readonly kind: MeasureKind
  /** null: all triggers together. */
  readonly trigger: string | null
  /** The running hour, day or last seven days that it is taken over. */
  readonly over: 'hour' | 'day' | 'week'
  /** Whether it is the share of the same hours of the same day a week before. */
  readonly isComparedWithLastWeek: boolean
  /** With fewer targets (of a comparison: fewer then) it is not judged. */
  readonly least: number
  readonly levels: Readonly<Record<Level, LevelSpec>>
}

/** Warns once a day when the segments sent and planned of all triggers exceed this many. */
export interface DailyMaximumSpec {
  readonly channel: string
  readonly segments: number
  readonly message: NoticeSpec | null
}

/** What the watch looks at. */
export interface WatchSpec {
  /** From one look to the next, on a grid from midnight, ms. */
  readonly everyMs: number
  readonly measures: readonly MeasureSpec[]
  readonly dailyMaximum: DailyMaximumSpec | null
  /** How levels are told; from `fromLevel` on, and their end. */
  readonly message: NoticeSpec | null
  readonly fromLevel: 'warning' | 'alarm'
  /** At the latest this long after it began, an incident's record is made, ms. */
  readonly incidentWithinMs: number
}

/** All that a configuration says of reporting. */
export interface ReportingSpec {
  readonly reports: readonly ReportSpec[]
  readonly watch: WatchSpec | null
}

/** What a configuration without reports and watch has. */
export const NO_REPORTING: ReportingSpec = Object.freeze({
  reports: Object.freeze([]),
  watch: null,
})

/** Placeholders in texts to people: `{date}`. */
export const NOTICE_WORDS = [
  'name',
  'date',
  'from',
  'to',
  'triggers',
  'decided',
  'delivered',
  'suppressed',
  'planned',
  'targets',
  'failed',
  'received',
  'responded',
  'clicked',
  'ordered',
  'optedOut',
  'complained',
  'responseRate',
  'orderRate',
  'complaintRate',
  'verdict',
  'segments',
  'maximum',
  'level',
  'value',
  'learn',
  'mend',
  'by',
] as const

export type NoticeWord = (typeof NOTICE_WORDS)[number]
