/** A plain policy as the files that a campaign manager would have written. */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import { dayText } from '../support/naive/zone.ts'
import {
  KEPT_PERIODS,
  LATENESS_MS,
  type PlainAudience,
  type PlainCap,
  type PlainCapacity,
  type PlainClass,
  type PlainCondition,
  type PlainControl,
  type PlainOpening,
  type PlainPolicy,
  type PlainSchedule,
  type PlainTrigger,
  type PlainValue,
  type PlainWindow,
} from './plain.ts'
import { capText } from './rows.ts'

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

/** The configuration's files: counters, the policy, one file per trigger. */
export function filesOf(policy: PlainPolicy): ConfigFiles {
  const files: Record<string, string> = {
    'counters.yaml': [
      `lateness: ${LATENESS_MS / 3_600_000}h`,
      'tags: { vip: {}, has_pack: {}, seed: { versioned: true } }',
      'fields: { fee: { type: number } }',
      'counters:',
      `  data: { sum: bytes, where: 'kind == data', per: [day, month, cycle], keep: ${KEPT_PERIODS} }`,
      `  calls: { count: records, where: 'kind == voice', per: [day, month, cycle], keep: ${KEPT_PERIODS} }`,
    ].join('\n'),
  }
  const lines = policyLines(policy)
  if (lines.length > 0) files['policy.yaml'] = lines.join('\n')
  for (const trigger of policy.triggers) files[trigger.path] = triggerText(trigger)
  return files
}

function policyLines(policy: PlainPolicy): string[] {
  const { channels, classes, caps, holidays, globalControl, arbitration } = policy
  const lines: string[] = []
  if (channels.length > 0) lines.push('channels:')
  for (const { name, window, caps: own, capacity } of channels) {
    const parts = [windowKey(window), capsKey('cap', own), capacityKey(capacity)]
    lines.push(`  ${name}: { ${keys(...parts)} }`)
  }
  if (classes.length > 0) lines.push('classes:')
  for (const ofClass of classes) lines.push(`  ${ofClass.name}: { ${classKeys(ofClass)} }`)
  if (caps.length > 0) lines.push(...capsKey('caps', caps))
  if (holidays.length > 0) lines.push(`holidays: [${rangesOf(holidays).join(', ')}]`)
  if (globalControl !== null) lines.push(`controlGroup: ${controlText(globalControl)}`)
  if (arbitration !== null) {
    const { layers, offersPerContact, contact } = arbitration
    lines.push(
      `arbitration: { layers: [${layers.join(', ')}], offersPerContact: ${offersPerContact}, contact: ${contact} }`,
    )
  }
  return lines
}

function classKeys(ofClass: PlainClass): string {
  const { window, caps, sensitiveCaps, refusedBy, ignoresCaps, countsTowardCaps } = ofClass
  const { heldOut } = ofClass
  return keys(
    windowKey(window),
    capsKey('cap', caps),
    capsKey('sensitiveCap', sensitiveCaps),
    refusedBy === null ? [] : [`refusedBy: [${refusedBy.join(', ')}]`],
    ignoresCaps === null ? [] : [`ignoresCaps: ${ignoresCaps}`],
    countsTowardCaps === null ? [] : [`countsTowardCaps: ${countsTowardCaps}`],
    heldOut === null ? [] : [`heldOut: ${heldOut}`],
  )
}

function triggerText(trigger: PlainTrigger): string {
  const { validFromMs, validToMs } = trigger
  const validity = [
    ...(validFromMs === null ? [] : [`from: '${instantText(validFromMs)}'`]),
    ...(validToMs === null ? [] : [`to: '${instantText(validToMs)}'`]),
  ]
  const said = <T>(key: string, value: T | null): string[] =>
    value === null ? [] : [`${key}: ${value}`]
  return [
    `trigger: ${trigger.id}`,
    `when: '${conditionText(trigger.condition)}'`,
    `once: ${trigger.once}`,
    ...(trigger.oncePerTag ? ['oncePerTag: seed'] : []),
    `late: ${trigger.isLateFiring ? 'fire' : 'ignore'}`,
    'reload: fire-existing',
    ...(trigger.isRetrying ? ['retry: true'] : []),
    ...said('class', trigger.class),
    ...said('layer', trigger.layer),
    ...said('priority', trigger.priority),
    ...(trigger.value === null ? [] : [`value: '${valueText(trigger.value)}'`]),
    ...(trigger.audience === null ? [] : [`audience: '${audienceText(trigger.audience)}'`]),
    ...(trigger.control === null ? [] : [`controlGroup: ${controlText(trigger.control)}`]),
    ...said('ignoresCaps', trigger.ignoresCaps),
    ...said('countsTowardCaps', trigger.countsTowardCaps),
    ...capsKey('cap', trigger.caps),
    ...(trigger.cancelWhen === null ? [] : [`cancelWhen: tags.${trigger.cancelWhen}`]),
    ...(validity.length === 0 ? [] : [`validity: { ${validity.join(', ')} }`]),
    'deliver:',
    `  channel: ${trigger.channel}`,
    `  at: ${scheduleText(trigger.at)}`,
    ...windowKey(trigger.window).map((line) => `  ${line}`),
    ...said('  overCapacity', trigger.overCapacity),
    `  onExpired: ${trigger.onExpired}`,
    `  attempts: ${trigger.attempts}`,
    `message: message of ${trigger.id}`,
  ].join('\n')
}

function conditionText({ counter, per, atLeast, tag, without }: PlainCondition): string {
  const parts = [`${counter}.${per} >= ${atLeast}`]
  if (tag !== null) parts.push(`tags.${tag}`)
  if (without !== null) parts.push(`!tags.${without}`)
  return parts.join(' && ')
}

function valueText(value: PlainValue): string {
  switch (value.kind) {
    case 'number':
      return String(value.number)
    case 'fee':
      return 'fields.fee'
    case 'bytes-of-day':
      return 'data.day'
    case 'vip':
      return `tags.vip ? ${value.yes} : ${value.no}`
  }
}

function audienceText(audience: PlainAudience): string {
  if (audience.kind === 'fee') return `fields.fee >= ${audience.atLeast}`
  return `${audience.isWanted ? '' : '!'}tags.${audience.tag}`
}

function scheduleText(at: PlainSchedule): string {
  if (at.kind === 'now') return 'now'
  if (at.kind === 'after') return `after ${at.minutes}m`
  return `${at.days === 0 ? 'same' : 'next'} day ${timeText(at.minuteOfDay)}`
}

function controlText({ percent, experiment }: PlainControl): string {
  return `{ share: ${percent} %${experiment === null ? '' : `, experiment: ${experiment}`} }`
}

function windowKey(window: PlainWindow | null): string[] {
  if (window === null) return []
  const { outside, on, holidays, spreadMinutes, expiresHours } = window
  const days = on === null ? [] : [`on: [${on.map((day) => WEEKDAYS[day]).join(', ')}]`]
  const parts = [...openingKeys(window), ...days]
  if (outside !== null) parts.push(`outside: ${outside}`)
  if (typeof holidays === 'string') parts.push(`holidays: ${holidays}`)
  else if (holidays !== null) parts.push(`holidays: { ${keys(openingKeys(holidays))} }`)
  if (spreadMinutes !== null) parts.push(`spread: ${spreadMinutes}m`)
  if (expiresHours !== null) parts.push(`expires: ${expiresHours}h`)
  return [`contactWindow: { ${parts.join(', ')} }`]
}

function openingKeys({ fromMinute, toMinute }: PlainOpening): string[] {
  return [`from: '${timeText(fromMinute)}'`, `to: '${timeText(toMinute)}'`]
}

function capsKey(key: string, caps: readonly PlainCap[]): string[] {
  if (caps.length === 0) return []
  const texts = caps.map(capText)
  return [`${key}: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`]
}

function capacityKey(capacity: PlainCapacity | null): string[] {
  if (capacity === null) return []
  const { perHour, perDay } = capacity
  const parts = [
    ...(perHour === null ? [] : [`perHour: ${perHour}`]),
    ...(perDay === null ? [] : [`perDay: ${perDay}`]),
  ]
  return [`capacity: { ${parts.join(', ')} }`]
}

/** Days in a row as ranges, half of the time as people write them. */
function rangesOf(days: readonly number[]): string[] {
  const sorted = [...days].sort((left, right) => left - right)
  const texts: string[] = []
  for (let first = 0; first < sorted.length; ) {
    let last = first
    while (sorted[last + 1] === sorted[last]! + 1) last++
    const [from, to] = [dayText(sorted[first]!), dayText(sorted[last]!)]
    texts.push(first === last ? `'${from}'` : `'${from} to ${to}'`)
    first = last + 1
  }
  return texts
}

function keys(...parts: readonly (readonly string[])[]): string {
  return parts.flat().join(', ')
}

function timeText(minuteOfDay: number): string {
  const pad = (value: number): string => String(value).padStart(2, '0')
  return `${pad(Math.floor(minuteOfDay / 60))}:${pad(minuteOfDay % 60)}`
}

function instantText(instantMs: number): string {
  return `${new Date(instantMs).toISOString().slice(0, 19)}Z`
}
