/**
 * The policy that stands above single triggers: channels, message classes, caps, contact windows,
 * arbitration, control groups, capacity. Made by rules/ from the declarations; frozen. A
 * configuration that says nothing of it has `NO_POLICY`: the three classes, and no limits.
 */

import type { CalendarUnit, ListName } from './expression.ts'

/** One opening of a contact window: minutes of the local day, start inclusive, end exclusive. */
export interface OpeningSpec {
  readonly fromMinute: number
  readonly toMinute: number
}

/** Position of a holiday among a window's openings: after Monday (0) to Sunday (6). */
export const HOLIDAY_OPENING = 7

/**
 * Wall-clock time in the subscriber's zone in which customers may be spoken to. A trigger's is what
 * its own, its channel's and its class's windows have in common.
 */
export interface ContactWindowSpec {
  /** By day: Monday to Sunday, then holidays (`HOLIDAY_OPENING`); null: closed all day. */
  readonly openings: readonly (OpeningSpec | null)[]
  /** Local days (since 1970-01-01) that are holidays. */
  readonly holidays: ReadonlySet<number>
  readonly outside: 'defer' | 'drop'
  /** Deferred deliveries are spread over this long after the opening (0: all at once). */
  readonly spreadMs: number
  /** How long after its first planned instant a deferred delivery may still go out. */
  readonly expiresMs: number
}

/**
 * At most `count` live deliveries per period of the planned emission: a calendar period, `ever`, or
 * `sliding`: in any stretch of `lengthMs` (0 for the others).
 */
export interface CapSpec {
  readonly count: number
  readonly per: CalendarUnit | 'ever' | 'sliding'
  readonly lengthMs: number
}

/** What a channel can carry in all, over all partitions; null: unlimited. */
export interface CapacitySpec {
  readonly perSecond: number | null
  readonly perHour: number | null
  readonly perDay: number | null
  /** Share of the limit from which on the early alarm stands, 0 to 1. */
  readonly alarmAt: number
  /** Shares of the hour and the day that only one class may use; together below 1. */
  readonly reserved: readonly { readonly class: string; readonly share: number }[]
}

/** One way to reach customers. Triggers may name channels that are not declared: no limits. */
export interface ChannelSpec {
  readonly name: string
  readonly caps: readonly CapSpec[]
  readonly capacity: CapacitySpec | null
  /** Customers ask here: its triggers are offers on request, and nothing is sent unasked. */
  readonly isInbound: boolean
  /** Whether its messages are SMS: counted in segments. */
  readonly isSms: boolean
}

/** What kind of message it is: `marketing`, `service`, `legal`, or one that is declared. */
export interface ClassSpec {
  readonly name: string
  readonly caps: readonly CapSpec[]
  /** Further caps for subscribers on the list `sensitive`. */
  readonly sensitiveCaps: readonly CapSpec[]
  /** Lists that refuse this class. `black` is always among them. */
  readonly refusingLists: readonly ListName[]
  /** Triggers of the class pass over the caps of channel, class and all; unless they say so. */
  readonly isIgnoringCaps: boolean
  /** Deliveries of the class count in the caps of channel and all; unless the trigger says so. */
  readonly isCounted: boolean
  /** Whether the global control group is left out of this class. */
  readonly isHeldOut: boolean
}

/** A control group: this share [0, 1) of the subscribers, by a stable hash of the experiment. */
export interface ControlGroupSpec {
  readonly experiment: string
  readonly share: number
}

/**
 * Candidates of one subscriber that are planned for the same local day and hour range compete:
 * `contact` is the period (in the subscriber's calendar) of the planned instant that makes one
 * contact.
 */
export interface ArbitrationSpec {
  /** Names, strongest first; a trigger's `layer` is a position in it. */
  readonly layers: readonly string[]
  /** 1 to 3. */
  readonly offersPerContact: number
  readonly contact: 'hour' | 'day'
}

/** Everything that is declared beside triggers and counters and bears on who gets what. */
export interface PolicySpec {
  readonly channels: readonly ChannelSpec[]
  readonly classes: readonly ClassSpec[]
  /** Over all channels and classes. */
  readonly caps: readonly CapSpec[]
  readonly globalControl: ControlGroupSpec | null
  readonly arbitration: ArbitrationSpec | null
  /** How long the last refusal of each (trigger, subscriber) is kept to be explained; 0: not. */
  readonly rememberedMs: number
}

const MARKETING: ClassSpec = {
  name: 'marketing',
  caps: [],
  sensitiveCaps: [],
  refusingLists: ['black', 'red', 'optOut'],
  isIgnoringCaps: false,
  isCounted: true,
  isHeldOut: true,
}

/** The classes that are there without being declared; a declaration changes them. */
export const BUILT_IN_CLASSES: readonly ClassSpec[] = [
  MARKETING,
  {
    ...MARKETING,
    name: 'service',
    refusingLists: ['black'],
    isIgnoringCaps: true,
    isCounted: false,
    isHeldOut: false,
  },
  {
    ...MARKETING,
    name: 'legal',
    refusingLists: ['black'],
    isIgnoringCaps: true,
    isCounted: false,
    isHeldOut: false,
  },
]

/** Class of a trigger that names none. */
export const CLASS_DEFAULT = 'marketing'

/** Class of a notice that names none: no marketing. */
export const NOTICE_CLASS = 'service'

/** What a configuration without a policy has. */
export const NO_POLICY: PolicySpec = {
  channels: [],
  classes: BUILT_IN_CLASSES,
  caps: [],
  globalControl: null,
  arbitration: null,
  rememberedMs: 7 * 86_400_000,
}

/** Every day alike: one opening for all weekdays and holidays. */
export function everyDay(opening: OpeningSpec): readonly OpeningSpec[] {
  return Array.from({ length: HOLIDAY_OPENING + 1 }, () => opening)
}
