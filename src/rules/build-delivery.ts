/**
 * The `deliver` part of a trigger: channel, moment, and the contact window that is left of its
 * own, its channel's and its class's.
 */

import type { ScheduleSpec, TriggerSpec } from '../model/catalog.ts'
import type { ChannelSpec, ClassSpec, ContactWindowSpec } from '../model/policy.ts'
import { suggestWord } from '../model/spelling.ts'
import {
  clashingOwners,
  type DeclaredWindow,
  declareWindow,
  joinWindows,
} from './build-contact-window.ts'
import { buildOfferDelivery } from './build-offer.ts'
import { noteHolidays, type PolicyEntry } from './build-policy.ts'
import type { Located } from './shape.ts'
import type { TriggerContext } from './trigger-context.ts'
import { ATTEMPTS_DEFAULT, type DeliverReading } from './trigger-grammar.ts'

/** What `deliver` says of a trigger. */
export type DeliveryPart = Pick<
  TriggerSpec,
  'channel' | 'schedule' | 'contactWindow' | 'overCapacity' | 'onExpired' | 'attemptsMax'
>

/** The delivery of a trigger; null after reporting what is wrong, or when a part is missing. */
export function buildDelivery(
  reading: DeliverReading,
  id: string | undefined,
  messageClass: PolicyEntry<ClassSpec> | null,
  context: TriggerContext,
): DeliveryPart | null {
  const { values } = reading
  const schedule = values.at?.value ?? { kind: 'now' }
  const channel = values.channel === undefined ? null : findChannel(values.channel, context)
  if (channel?.spec.isInbound === true) return buildOfferDelivery(reading, channel.spec, context)
  const inherited = [channel?.contactWindow, messageClass?.contactWindow].filter(
    (window) => window !== null && window !== undefined,
  )
  const contactWindow = buildWindow(reading, id, inherited, context)
  if (contactWindow !== null && values.at !== undefined) {
    checkSchedule(schedule, contactWindow, values.at, id, context)
  }
  if (values.channel === undefined) return null
  return {
    channel: values.channel.value,
    schedule: Object.freeze(schedule),
    contactWindow,
    overCapacity: values.overCapacity ?? 'defer',
    onExpired: values.onExpired ?? 'reschedule',
    attemptsMax: values.attempts ?? ATTEMPTS_DEFAULT,
  }
}

/** The declared channel; null where none is declared, or this one is broken or unknown. */
function findChannel(
  name: Located<string>,
  context: TriggerContext,
): PolicyEntry<ChannelSpec> | null {
  const { channels } = context.policy
  const channel = channels.get(name.value)
  if (channel !== undefined) return channel
  if (channels.size === 0 || !context.names.isComplete) return null
  const declared = [...channels.keys()]
  const hint =
    suggestWord(name.value, declared) ?? `declared in channels: ${declared.slice(0, 12).join(', ')}`
  const message = `there is no channel "${name.value}"`
  context.source.report(name.node, 'unknown-channel', message, hint)
  return null
}

function buildWindow(
  reading: DeliverReading,
  id: string | undefined,
  inherited: readonly DeclaredWindow[],
  context: TriggerContext,
): ContactWindowSpec | null {
  const { source, policy } = context
  const own = reading.values.contactWindow
  const declared = own === undefined ? null : declareWindow(own, `trigger ${id ?? '?'}`, source)
  if (own !== undefined) {
    if (own.at('outside') === own.node && inherited.length === 0) {
      const message = 'contactWindow needs the key "outside"'
      const hint = 'What happens outside: defer to the next opening, or drop.'
      source.report(own.node, 'missing-key', message, hint)
    }
    if (declared === null) return null
    if (policy.holidays.days.length === 0 && policy.isKnown('holidays')) {
      noteHolidays(declared, context.notes)
    }
  }
  const windows = declared === null ? inherited : [declared, ...inherited]
  const clash = clashingOwners(windows, policy.holidays)
  if (clash === null) return joinWindows(windows, policy.holidays)
  const owners =
    clash.length === 1 ? clash[0]! : `${clash.slice(0, -1).join(', ')} and ${clash.at(-1)}`
  const message =
    clash.length === 1
      ? `the contact window of ${owners} never opens`
      : `the contact windows of ${owners} are never open at the same time`
  const hint = 'nothing could ever be sent: widen one of them'
  const place = own === undefined ? reading.at('channel') : own.node
  source.report(place, 'contradiction', message, hint)
  return null
}

/** A wall-clock moment outside the contact window: with drop nothing would ever be sent. */
function checkSchedule(
  schedule: ScheduleSpec,
  window: ContactWindowSpec,
  at: Located<ScheduleSpec>,
  id: string | undefined,
  context: TriggerContext,
): void {
  if (schedule.kind !== 'at') return
  const { minuteOfDay } = schedule
  const isInside = window.openings.some(
    (opening) =>
      opening !== null && minuteOfDay >= opening.fromMinute && minuteOfDay < opening.toMinute,
  )
  if (isInside) return
  if (window.outside === 'drop') {
    const message = 'this moment is always outside the contact window, so everything is dropped'
    context.source.report(at.node, 'out-of-range', message, 'move it inside, or outside: defer')
  } else if (id !== undefined) {
    context.notes.push(
      `trigger ${id}: its moment of delivery is outside its contact window, so every delivery is deferred`,
    )
  }
}
