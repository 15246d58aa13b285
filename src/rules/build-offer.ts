/**
 * Offers on request: triggers on an inbound channel, where the customer asks. What another trigger
 * may say of when it is sent contradicts that.
 */

import type { FiredBy } from '../model/catalog.ts'
import type { ChannelSpec } from '../model/policy.ts'
import type { DeliveryPart } from './build-delivery.ts'
import type { Located } from './shape.ts'
import type { TriggerContext } from './trigger-context.ts'
import type { DeliverReading, TriggerReading } from './trigger-grammar.ts'

/** What fires a trigger that is delivered on this channel; contradictions are reported. */
export function readFiredBy(
  reading: TriggerReading,
  channel: string,
  context: TriggerContext,
): FiredBy {
  if (!isInbound(channel, context)) return 'condition'
  const { late, reload, retry } = reading.values
  const refuse = (key: 'late' | 'reload' | 'retry', message: string): void => {
    context.source.report(reading.at(key), 'contradiction', message, `leave ${key} out`)
  }
  const owner = `on the inbound channel "${channel}"`
  if (late === 'fire') refuse('late', `${owner} no record fires anything: the customer asks`)
  if (reload === 'fire-existing') {
    refuse('reload', `${owner} no reload fires anything: the customer asks`)
  }
  if (retry === true) refuse('retry', `${owner} nothing is dropped that could be tried again`)
  return 'request'
}

/** Reports a step of a journey that goes to an inbound channel: it would wait for ever. */
export function refuseInbound(channel: Located<string>, context: TriggerContext): void {
  if (!isInbound(channel.value, context)) return
  const message = `the channel "${channel.value}" is inbound: nothing is sent there unasked`
  const hint = 'deliver it on an outbound channel, or make the offer a trigger of its own'
  context.source.report(channel.node, 'contradiction', message, hint)
}

/** The delivery of an offer: at the moment at which it is accepted, or not at all. */
export function buildOfferDelivery(
  { values, at }: DeliverReading,
  { name }: ChannelSpec,
  context: TriggerContext,
): DeliveryPart {
  const refuse = (key: keyof typeof values, message: string, advice: string): void => {
    const hint = `leave ${key} out${advice}`
    context.source.report(at(key), 'contradiction', message, hint)
  }
  const owner = `the channel "${name}" is inbound`
  if (values.at !== undefined && values.at.value.kind !== 'now') {
    refuse('at', `${owner}: an offer goes out the moment it is accepted`, ', or say at: now')
  }
  if (values.contactWindow !== undefined) {
    const advice = ', or bound the campaign by validity'
    refuse('contactWindow', `${owner}: who asks may be answered at any hour`, advice)
  }
  if (values.overCapacity === 'defer') {
    refuse('overCapacity', `${owner}: an acceptance cannot wait for the next hour`, '')
  }
  if (values.onExpired === 'reschedule') {
    refuse('onExpired', `${owner}: who accepted an offer does not accept it again`, '')
  }
  if (values.attempts !== undefined && values.attempts > 1) {
    refuse('attempts', `${owner}: who accepted an offer does not accept it again`, '')
  }
  return {
    channel: name,
    schedule: Object.freeze({ kind: 'now' }),
    contactWindow: null,
    overCapacity: 'drop',
    onExpired: 'drop',
    attemptsMax: 1,
  }
}

function isInbound(channel: string, { policy }: TriggerContext): boolean {
  return policy.channels.get(channel)?.spec.isInbound === true
}
