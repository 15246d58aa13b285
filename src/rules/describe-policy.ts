/** What a reload does to the policy, in sentences for the person who asked for it. */

import { capText } from '../model/cap-text.ts'
import type {
  ArbitrationSpec,
  CapacitySpec,
  CapSpec,
  ChannelSpec,
  ClassSpec,
  PolicySpec,
} from '../model/policy.ts'
import { formatDuration } from '../model/quantity.ts'
import { percentOf } from './control-groups.ts'

/**
 * Compares two policies. Sentences come in a fixed order: channels, classes, caps over all, control
 * group, arbitration, what is remembered. Contact windows show in the triggers that they bear on.
 */
export function describePolicy(previous: PolicySpec, next: PolicySpec): string[] {
  return [
    ...describeEntries('channel', previous.channels, next.channels, channelFacts),
    ...describeEntries('class', previous.classes, next.classes, classFacts),
    ...describeFacts('the policy', policyFacts(previous), policyFacts(next)),
  ]
}

/** Words for a thing and how it stands: `cap` → `1 per day`. */
type Facts = ReadonlyMap<string, string>

function describeEntries<T extends { readonly name: string }>(
  what: string,
  previous: readonly T[],
  next: readonly T[],
  factsOf: (entry: T) => Facts,
): string[] {
  const old = new Map(previous.map((entry) => [entry.name, entry]))
  const sentences: string[] = []
  for (const entry of next) {
    const before = old.get(entry.name)
    old.delete(entry.name)
    const whose = `${what} ${entry.name}`
    if (before === undefined) sentences.push(`${whose} is new`)
    else sentences.push(...describeFacts(whose, factsOf(before), factsOf(entry)))
  }
  for (const name of old.keys()) sentences.push(`${what} ${name} is no longer declared`)
  return sentences
}

function describeFacts(whose: string, before: Facts, after: Facts): string[] {
  const changes = [...after]
    .filter(([what, state]) => before.get(what) !== state)
    .map(([what, state]) => `${what} ${state} instead of ${before.get(what)}`)
  return changes.length === 0 ? [] : [`${whose} is edited: ${changes.join(', ')}`]
}

function channelFacts(channel: ChannelSpec): Facts {
  return new Map([
    ['cap', capsText(channel.caps)],
    ['capacity', capacityText(channel.capacity)],
    ['inbound', yesNo(channel.isInbound)],
    ['sms', String(channel.isSms)],
  ])
}

function classFacts(spec: ClassSpec): Facts {
  return new Map([
    ['cap', capsText(spec.caps)],
    ['cap of the list sensitive', capsText(spec.sensitiveCaps)],
    ['refused by', spec.refusingLists.join(' and ')],
    ['ignores caps', yesNo(spec.isIgnoringCaps)],
    ['counts toward caps', yesNo(spec.isCounted)],
    ['held out', yesNo(spec.isHeldOut)],
  ])
}

function policyFacts(policy: PolicySpec): Facts {
  const control = policy.globalControl
  return new Map([
    ['cap over all', capsText(policy.caps)],
    [
      'control group',
      control === null ? 'none' : `${control.experiment} of ${percentOf(control.share)}`,
    ],
    ['arbitration', arbitrationText(policy.arbitration)],
    [
      'refusals remembered',
      policy.rememberedMs === 0 ? 'not' : formatDuration(policy.rememberedMs),
    ],
  ])
}

function capsText(caps: readonly CapSpec[]): string {
  return caps.length === 0 ? 'none' : caps.map(capText).join(' and ')
}

function capacityText(capacity: CapacitySpec | null): string {
  if (capacity === null) return 'unlimited'
  const { perSecond, perHour, perDay, alarmAt, reserved } = capacity
  const limits = [
    perSecond === null ? [] : [`${perSecond} per second`],
    perHour === null ? [] : [`${perHour} per hour`],
    perDay === null ? [] : [`${perDay} per day`],
    [`alarm at ${percentOf(alarmAt)}`],
    reserved.map((entry) => `${percentOf(entry.share)} reserved for ${entry.class}`),
  ]
  return `(${limits.flat().join(', ')})`
}

function arbitrationText(arbitration: ArbitrationSpec | null): string {
  if (arbitration === null) return 'none'
  const { layers, offersPerContact, contact } = arbitration
  return `(${offersPerContact} per ${contact}; ${layers.join(', ')})`
}

function yesNo(flag: boolean): string {
  return flag ? 'yes' : 'no'
}
