/**
 * The grammar of the policy that stands above single triggers: channels, classes, caps over all,
 * holidays, control group, arbitration, what is remembered to be explained.
 */

import {
  CAPS_MAX,
  caps,
  contactWindow,
  controlGroupOf,
  HYPHENED,
  holidays,
  hyphenedName,
  share,
} from './policy-shapes.ts'
import { durationOf, flag, oneOf, wholeNumber } from './scalar-shapes.ts'
import { dictionaryOf, listOf, located, optional, recordOf, type Shape } from './shape.ts'

const DAY_MS = 24 * 3_600_000

/** Bounds of the policy. */
export const POLICY_BOUNDS = {
  channels: 64,
  classes: 32,
  layers: 16,
  offersPerContactMax: 3,
  capacityMax: 1_000_000_000,
  rememberedMaxMs: 92 * DAY_MS,
} as const

/** Experiment of the global control group where it is not named. */
export const GLOBAL_EXPERIMENT = 'global'
/** From which share of a capacity on the early alarm stands, unless the channel says otherwise. */
export const ALARM_SHARE_DEFAULT = 0.8
/** The one layer where arbitration names none. */
export const LAYER_DEFAULT = 'default'

const limit = wholeNumber(1, POLICY_BOUNDS.capacityMax)

const capacity = recordOf('capacity', {
  perSecond: optional(limit, 'Deliveries per second, over all partitions.', null),
  perHour: optional(limit, 'Deliveries per hour of the zone of genesis.', null),
  perDay: optional(limit, 'Deliveries per day of the zone of genesis.', null),
  alarmAt: optional(
    located(share),
    'From this share of the hour or the day on the early alarm stands.',
    '80 %',
  ),
  reserved: optional(
    dictionaryOf('reserved', located(share), POLICY_BOUNDS.classes, HYPHENED),
    'Shares of the hour and the day by class, which only deliveries of that class may use: { service: 5 % }.',
  ),
})

const channel = recordOf('a channel', {
  contactWindow: optional(
    contactWindow,
    'The hours in which the channel may be used, by whatever trigger.',
    null,
  ),
  cap: optional(
    caps,
    `How many deliveries a subscriber may get over this channel: 1 per day, 8 per 30 days, or a list of at most ${CAPS_MAX}.`,
    null,
  ),
  capacity: optional(capacity, 'What the channel can carry in all.', null),
  inbound: optional(
    flag,
    'Whether customers come to it (a hotline, a website, a till): its triggers are offers on request.',
    false,
  ),
  sms: optional(
    flag,
    'Whether its messages are SMS: their segments are counted, and held to maxSegments.',
    false,
  ),
})

const messageClass = recordOf('a class', {
  contactWindow: optional(
    contactWindow,
    'The hours in which messages of the class may go out.',
    null,
  ),
  cap: optional(caps, 'How many deliveries of the class a subscriber may get.', null),
  sensitiveCap: optional(
    caps,
    'Further caps for subscribers on the list sensitive: they complained before.',
    null,
  ),
  refusedBy: optional(
    listOf('refusedBy', oneOf(['black', 'red', 'sensitive', 'optOut']), { min: 0, max: 4 }),
    'Lists whose subscribers get nothing of the class; black is always one of them. Left out: [red, optOut], for service and legal [].',
  ),
  ignoresCaps: optional(
    flag,
    'Whether triggers of the class pass over the caps of channel, class and all, and take no part in arbitration. Left out: false, for service and legal true.',
  ),
  countsTowardCaps: optional(
    flag,
    'Whether deliveries of the class count in the caps of channel and all. Left out: true, for service and legal false.',
  ),
  heldOut: optional(
    flag,
    'Whether the global control group is held out of the class. Left out: true, for service and legal false.',
  ),
})

const arbitration = recordOf('arbitration', {
  layers: optional(
    listOf('layers', hyphenedName('layer', 'layers'), { min: 1, max: POLICY_BOUNDS.layers }),
    'Layers of triggers, strongest first: [model, experience, segment, default].',
    `[${LAYER_DEFAULT}]`,
  ),
  offersPerContact: optional(
    wholeNumber(1, POLICY_BOUNDS.offersPerContactMax),
    'How many deliveries a subscriber may get in one contact.',
    1,
  ),
  contact: optional(
    oneOf(['hour', 'day']),
    "What one contact is: the hour or the day, in the subscriber's zone, in which it is due.",
    'day',
  ),
})

const explain = recordOf('explain', {
  remember: optional(
    durationOf(0, POLICY_BOUNDS.rememberedMaxMs),
    'How long the last refusal of each trigger and subscriber is kept to be explained; 0s: not at all.',
    '7d',
  ),
})

/** The top-level keys of the policy, a part of the grammar of declarations. */
export const policyKeys = {
  channels: optional(
    dictionaryOf('channels', channel, POLICY_BOUNDS.channels, HYPHENED),
    'The ways to reach customers, by the name that deliver.channel says. Once one is declared, all must be.',
  ),
  classes: optional(
    dictionaryOf('classes', messageClass, POLICY_BOUNDS.classes, HYPHENED),
    'Kinds of messages. marketing, service and legal are there without being declared.',
  ),
  caps: optional(
    caps,
    'How many deliveries a subscriber may get in all, over all channels and classes.',
    null,
  ),
  holidays: optional(
    holidays,
    "The days that contact windows know as holidays: [2026-10-01, '2026-10-02 to 2026-10-07'].",
  ),
  controlGroup: optional(
    controlGroupOf(GLOBAL_EXPERIMENT),
    'Subscribers who get no marketing at all, to see what all of it together does.',
    null,
  ),
  arbitration: optional(
    arbitration,
    'How candidates of one subscriber compete for a contact. Left out: they do not.',
    null,
  ),
  explain: optional(explain, 'What is kept to answer why somebody got nothing.'),
} as const

/** Their names. */
export const POLICY_KEYS: ReadonlySet<string> = new Set(Object.keys(policyKeys))

type ReadingOf<S> = S extends Shape<infer T> ? T : never

export type ChannelReading = ReadingOf<typeof channel>
export type ClassReading = ReadingOf<typeof messageClass>
export type CapacityReading = ReadingOf<typeof capacity>
export type ArbitrationReading = ReadingOf<typeof arbitration>
