/** What a channel can carry: its limits from their reading, none of them out of reach. */

import type { CapacitySpec } from '../model/policy.ts'
import { suggestWord } from '../model/spelling.ts'
import { percentOf } from './control-groups.ts'
import { ALARM_SHARE_DEFAULT, type CapacityReading } from './policy-grammar.ts'
import type { YamlSource } from './yaml-source.ts'

/** How often the shorter period fits into the longer one; a day may have 25 hours. */
const PERIODS = [
  { short: 'perSecond', long: 'perHour', factor: 3600 },
  { short: 'perHour', long: 'perDay', factor: 25 },
  { short: 'perSecond', long: 'perDay', factor: 90_000 },
] as const

const WORDS = { perSecond: 'per second', perHour: 'per hour', perDay: 'per day' } as const

/**
 * A capacity from its reading, or null when something is wrong with it (reported). `classNames`:
 * those for which shares may be reserved; null: not all of them are known.
 */
export function buildCapacity(
  reading: CapacityReading,
  classNames: readonly string[] | null,
  source: YamlSource,
): CapacitySpec | null {
  const countBefore = source.problems.length
  const { values } = reading
  const isLimited = (['perSecond', 'perHour', 'perDay'] as const).some(
    (key) => reading.at(key) !== reading.node,
  )
  if (!isLimited) {
    const message = 'the capacity limits nothing'
    const hint = 'give perSecond, perHour or perDay, or leave capacity out'
    source.report(reading.node, 'missing-key', message, hint)
  }
  for (const key of ['alarmAt', 'reserved'] as const) {
    const isOfDay = reading.at('perHour') !== reading.node || reading.at('perDay') !== reading.node
    if (!isLimited || isOfDay || reading.at(key) === reading.node) continue
    const message = `${key} speaks of the hour and the day, but neither is limited`
    source.report(reading.at(key), 'not-allowed', message, 'give perHour or perDay')
  }
  checkPeriods(reading, source)
  const alarmAt = readAlarm(reading, source)
  const reserved = readReserved(reading, classNames, source)
  if (source.problems.length > countBefore) return null
  return Object.freeze({
    perSecond: values.perSecond ?? null,
    perHour: values.perHour ?? null,
    perDay: values.perDay ?? null,
    alarmAt,
    reserved,
  })
}

/** Two limits of which one can never be reached contradict each other: one of them is a slip. */
function checkPeriods(reading: CapacityReading, source: YamlSource): void {
  for (const { short, long, factor } of PERIODS) {
    const [few, many] = [reading.values[short], reading.values[long]]
    if (few === undefined || many === undefined) continue
    if (few > many) {
      const message = `${few} ${WORDS[short]} can never be reached: only ${many} pass ${WORDS[long]}`
      source.report(reading.at(short), 'contradiction', message, `at most ${short}: ${many}`)
      return
    }
    if (few * factor < many) {
      const message = `${many} ${WORDS[long]} can never be reached: ${few} ${WORDS[short]} make ${few * factor} at most`
      const hint = `at most ${long}: ${few * factor}, or at least ${short}: ${Math.ceil(many / factor)}`
      source.report(reading.at(long), 'contradiction', message, hint)
      return
    }
  }
}

function readAlarm(reading: CapacityReading, source: YamlSource): number {
  const alarm = reading.values.alarmAt
  if (alarm === undefined) return ALARM_SHARE_DEFAULT
  if (alarm.value === 0 || alarm.value === 1) {
    const message = 'the early alarm stands from a share above 0 % and below 100 % on'
    const hint = alarm.value === 1 ? 'at 100 % there is an alarm in any case' : undefined
    source.report(alarm.node, 'out-of-range', message, hint)
  }
  return alarm.value
}

function readReserved(
  reading: CapacityReading,
  classNames: readonly string[] | null,
  source: YamlSource,
): CapacitySpec['reserved'] {
  const reserved: { readonly class: string; readonly share: number }[] = []
  let millionths = 0
  for (const [name, { key, value }] of reading.values.reserved ?? []) {
    if (classNames !== null && !classNames.includes(name)) {
      const hint = suggestWord(name, classNames) ?? `classes are: ${classNames.join(', ')}`
      source.report(key, 'unknown-class', `there is no class "${name}"`, hint)
    }
    if (value === undefined) continue
    if (value.value === 0) {
      const message = 'nothing is reserved by 0 %'
      source.report(value.node, 'out-of-range', message, 'leave the class out')
    }
    // Whole numbers: 10 % and 90 % as doubles do not always make 1.
    millionths += Math.round(value.value * 1e8)
    reserved.push(Object.freeze({ class: name, share: value.value }))
  }
  if (millionths >= 1e8) {
    const sum = percentOf(millionths / 1e8)
    const message = `${sum} are reserved, so nothing is left for the other classes`
    source.report(
      reading.at('reserved'),
      'contradiction',
      message,
      'reserve less than 100 % in all',
    )
  }
  return Object.freeze(reserved)
}
