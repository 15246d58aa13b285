/**
 * Cases of the loop test: configurations, inputs and what is said, as plain objects that the naive
 * model and the text of the engine's configuration are both made from.
 */

/** One keyword of a trigger. */
export interface PlainReply {
  readonly word: string
  readonly means: 'order' | 'opt-out' | 'response'
  /** Of an order in two steps. */
  readonly confirm: { readonly word: string; readonly hours: number } | null
}

/** A trigger that fires once a day or ever on the first usage. */
export interface PlainTrigger {
  readonly id: string
  readonly channel: string
  readonly once: 'day' | 'ever'
  readonly class: 'marketing' | 'service'
  /** 0: at once. */
  readonly delayHours: number
  readonly replies: readonly PlainReply[]
  /** null: it does not say. */
  readonly attributionHours: number | null
  readonly orderTag: string | null
  readonly cancelTag: string | null
  readonly onExpired: 'reschedule' | 'drop'
  readonly attempts: number
  /** Share of its control group, percent. */
  readonly heldOut: number
}

/** One generation. Beside its triggers, `thanks` fires once ever on the tag `bought`. */
export interface PlainConfig {
  readonly triggers: readonly PlainTrigger[]
  readonly isTellingAll: boolean
  readonly hasRegion: boolean
}

/** A report as it goes over the wire. */
export interface PlainReport {
  readonly sub: number
  readonly kind: string
  readonly time: number
  readonly id?: string
  readonly trigger?: string
  readonly channel?: string
  readonly text?: string
  readonly word?: string
}

/** One input. Sequences are given by its place. */
export type PlainInput =
  | { readonly kind: 'tick'; readonly timeMs: number }
  | { readonly kind: 'usage'; readonly sub: number; readonly timeMs: number }
  | {
      readonly kind: 'profile'
      readonly sub: number
      readonly tags?: Readonly<Record<string, boolean>>
      readonly lists?: Readonly<Record<string, boolean>>
      readonly region?: string | null
    }
  | { readonly kind: 'report'; readonly rows: readonly PlainReport[] }
  | { readonly kind: 'config'; readonly config: PlainConfig }
  | { readonly kind: 'erase'; readonly sub: number }

/** A whole case. */
export interface PlainCase {
  readonly seed: number
  readonly startMs: number
  readonly config: PlainConfig
  readonly inputs: readonly PlainInput[]
}

/** What is said, as far as the loop is concerned; undefined where it says nothing. */
export interface PlainDecision {
  readonly in: number
  readonly kind: string
  readonly trigger: string
  readonly sub: number
  readonly period: string
  readonly attempt: number
  readonly at: number
  readonly id?: string
  readonly channel?: string
  readonly reason?: string
  readonly what?: string
  readonly time?: number
  readonly by?: string
  readonly word?: string
  readonly first?: boolean
  readonly arm?: string
  readonly canary?: boolean
  readonly purpose?: string
  readonly region?: string
}

/** What is known of a subscriber in the end. */
export interface PlainProfile {
  readonly sub: number
  readonly tags: readonly string[]
  readonly lists: readonly string[]
}

/** What became of a case. */
export interface PlainAnswer {
  readonly decisions: readonly PlainDecision[]
  readonly profiles: readonly PlainProfile[]
  /** Rows refused by reason, and rows that said nothing new. */
  readonly refused: Readonly<Record<string, number>>
  readonly repeats: number
}

export const START_MS = Date.UTC(2026, 10, 20, 6)
export const HOUR_MS = 3_600_000
export const SUBSCRIBERS = [13800000001, 13800000002, 13800000003] as const
export const REGIONS = ['north', 'south'] as const
export const TAGS = ['bought', 'left'] as const
