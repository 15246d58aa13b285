/** Reports and the watch from their readings: defaults filled in, contradictions found. */

import type { Node } from 'yaml'
import {
  type DailyMaximumSpec,
  LEVELS,
  type LevelSpec,
  type MeasureSpec,
  NO_REPORTING,
  type NoticeSpec,
  type ReportingSpec,
  type ReportSpec,
  type WatchSpec,
} from '../model/reporting.ts'
import { suggestWord } from '../model/spelling.ts'
import { checkTrigger } from './build-verdict.ts'
import type { CatalogFileReading } from './catalog-grammar.ts'
import { WEEKDAYS } from './policy-shapes.ts'
import {
  type LevelReading,
  type MeasureReading,
  type NoticeReading,
  REPORTING_DEFAULTS,
  type ReportReading,
  type WatchReading,
} from './reporting-grammar.ts'
import type { YamlSource } from './yaml-source.ts'

const DAY_MS = 86_400_000
const KINDS_BY_KEY: Readonly<Record<string, readonly string[]>> = {
  at: ['daily', 'weekly', 'monthly'],
  earliest: ['sendout'],
  latest: ['sendout'],
  on: ['weekly'],
  days: ['monthly'],
}
const NO_LEVEL: LevelSpec = Object.freeze({ bound: null, learn: null, mend: null, by: null })

/** What stands under the keys of reporting in all files. */
export interface ReportingReadings {
  only<K extends 'reports' | 'watch'>(
    key: K,
  ):
    | { readonly source: YamlSource; readonly value: NonNullable<CatalogFileReading['values'][K]> }
    | undefined
}

/** Names that reports and watch may use; null: not all are known, or none is declared. */
export interface ReportingNames {
  readonly triggers: ReadonlySet<string> | null
  readonly channels: ReadonlySet<string> | null
  readonly classes: ReadonlySet<string> | null
  /** Channels whose messages are SMS. */
  readonly smsChannels: ReadonlySet<string> | null
}

/** The reporting of a configuration; whatever is wrong with it is reported. */
export function buildReporting(readings: ReportingReadings, known: ReportingNames): ReportingSpec {
  const reportsRead = readings.only('reports')
  const reports: ReportSpec[] = []
  for (const [name, { value }] of reportsRead?.value ?? []) {
    const spec = value === undefined ? null : buildReport(name, value, known, reportsRead!.source)
    if (spec !== null) reports.push(spec)
  }
  const watchRead = readings.only('watch')
  const watch =
    watchRead === undefined ? null : buildWatch(watchRead.value, known, watchRead.source)
  if (reports.length === 0 && watch === null) return NO_REPORTING
  return Object.freeze({ reports: Object.freeze(reports), watch })
}

function buildReport(
  name: string,
  reading: ReportReading,
  known: ReportingNames,
  source: YamlSource,
): ReportSpec | null {
  const countBefore = source.problems.length
  const { values } = reading
  const kind = values.kind?.value
  for (const [key, kinds] of Object.entries(KINDS_BY_KEY)) {
    const node = reading.at(key as keyof typeof values)
    if (kind === undefined || node === reading.node || kinds.includes(kind)) continue
    const hint = `leave it out, or make it ${kinds.join(' or ')}`
    source.report(node, 'not-allowed', `"${key}" is for ${kinds.join(', ')} reports`, hint)
  }
  for (const { value, node } of values.triggers ?? []) {
    checkTrigger({ value: value.value, node }, known.triggers, source)
  }
  const earliestMinute = values.earliest?.value ?? REPORTING_DEFAULTS.earliestMinute
  const latestMinute = values.latest?.value ?? REPORTING_DEFAULTS.latestMinute
  const place = values.latest ?? values.earliest
  if (earliestMinute > latestMinute && place !== undefined) {
    source.report(place.node, 'out-of-range', 'the latest moment is before the earliest')
  }
  if (latestMinute === 1440) {
    const message = '24:00 is the next day already'
    source.report(place?.node ?? reading.node, 'out-of-range', message, "write '23:59'")
  }
  const message = buildNotice(reading, known, source)
  if (kind === undefined || source.problems.length > countBefore) return null
  const triggers = values.triggers?.map(({ value }) => value.value)
  return Object.freeze({
    name,
    kind,
    triggers: triggers === undefined ? null : Object.freeze(triggers),
    about: values.about ?? 'everything',
    atMinute: values.at ?? REPORTING_DEFAULTS.atMinute,
    earliestMinute,
    latestMinute,
    weekday: WEEKDAYS.indexOf(values.on ?? 'mon'),
    daysOfMonth: Object.freeze(
      values.days?.map(({ value }) => value) ?? REPORTING_DEFAULTS.daysOfMonth,
    ),
    message,
  })
}

/** Who is told, and over which channel; null: nobody. */
function buildNotice(
  reading: Pick<NoticeReading, 'values' | 'node'> & { at(key: 'to' | 'channel' | 'class'): Node },
  known: ReportingNames,
  source: YamlSource,
): NoticeSpec | null {
  const { to, channel, class: messageClass, text } = reading.values
  if (to === undefined) {
    if (channel !== undefined && reading.at('to') === reading.node) {
      source.report(reading.node, 'missing-key', 'a channel but nobody to tell', 'to: [manager]')
    }
    return null
  }
  if (channel === undefined) {
    const hint = 'channel: sms'
    source.report(reading.node, 'missing-key', 'messages to people need their channel', hint)
    return null
  }
  checkName('channel', channel, reading.at('channel'), known.channels, source)
  if (messageClass !== undefined) {
    checkName('class', messageClass, reading.at('class'), known.classes, source)
  }
  return Object.freeze({
    to: Object.freeze(to.map(({ value }) => value)),
    channel,
    class: messageClass ?? REPORTING_DEFAULTS.class,
    text: text ?? null,
  })
}

function buildWatch(
  reading: WatchReading,
  known: ReportingNames,
  source: YamlSource,
): WatchSpec | null {
  const countBefore = source.problems.length
  const { values } = reading
  const everyMs = values.every?.value ?? REPORTING_DEFAULTS.everyMs
  if (DAY_MS % everyMs !== 0) {
    const message = 'a day is no multiple of it, so the looks would wander'
    source.report(values.every!.node, 'out-of-range', message, '5m, 15m, 30m, 1h, …')
  }
  const maximum = values.dailyMaximum
  let dailyMaximum: DailyMaximumSpec | null = null
  if (maximum !== undefined) {
    const message = buildNotice(maximum, known, source)
    const { of: channel, segments } = maximum.values
    if (channel !== undefined) {
      checkName('channel', channel, maximum.at('of'), known.channels, source)
      if (known.channels?.has(channel) === true && known.smsChannels?.has(channel) === false) {
        const text = `the channel "${channel}" is none of SMS, so it has no segments`
        source.report(maximum.at('of'), 'contradiction', text, 'declare it with sms: true')
      }
    }
    if (channel !== undefined && segments !== undefined) {
      dailyMaximum = Object.freeze({ channel, segments, message })
    }
  }
  const measures: MeasureSpec[] = []
  for (const [name, { value }] of values.measures ?? []) {
    const spec = value === undefined ? null : buildMeasure(name, value, known, source)
    if (spec?.kind === 'capacity' && maximum === undefined) {
      const hint = 'give watch.dailyMaximum'
      source.report(value!.node, 'missing-key', 'capacity needs the daily maximum', hint)
    }
    if (spec !== null) measures.push(spec)
  }
  const message = buildNotice(reading, known, source)
  if (source.problems.length > countBefore) return null
  return Object.freeze({
    everyMs,
    measures: Object.freeze(measures),
    dailyMaximum,
    message,
    fromLevel: values.from ?? 'warning',
    incidentWithinMs: values.incidentWithin ?? REPORTING_DEFAULTS.incidentWithinMs,
  })
}

function buildMeasure(
  name: string,
  reading: MeasureReading,
  known: ReportingNames,
  source: YamlSource,
): MeasureSpec | null {
  const countBefore = source.problems.length
  const { values } = reading
  const kind = values.of?.value
  if (values.trigger !== undefined) checkTrigger(values.trigger, known.triggers, source)
  if (values.trigger !== undefined && kind === 'capacity') {
    const message = 'capacity is of all triggers together'
    source.report(values.trigger.node, 'not-allowed', message, 'leave trigger out')
  }
  if (values.good === undefined && values.warning === undefined && values.alarm === undefined) {
    const hint = 'alarm: { when: below 1 % }'
    source.report(reading.node, 'missing-key', 'a measure without levels says nothing', hint)
  }
  checkOrder(reading, source)
  if (kind === undefined || source.problems.length > countBefore) return null
  const levels = {
    good: buildLevel(values.good),
    normal: buildLevel(values.normal),
    warning: buildLevel(values.warning),
    alarm: buildLevel(values.alarm),
  }
  return Object.freeze({
    name,
    kind,
    trigger: values.trigger?.value ?? null,
    over: values.over ?? 'day',
    isComparedWithLastWeek: values.lastWeek ?? false,
    least: values.least ?? 1,
    levels: Object.freeze(levels),
  })
}

interface AnyLevel {
  readonly values: { readonly [K in 'learn' | 'mend' | 'by']?: string } & {
    readonly when?: LevelReading['values']['when']
  }
}

function buildLevel(reading: AnyLevel | undefined): LevelSpec {
  if (reading === undefined) return NO_LEVEL
  const { when, learn, mend, by } = reading.values
  return Object.freeze({
    bound: when?.value ?? null,
    learn: learn ?? null,
    mend: mend ?? null,
    by: by ?? null,
  })
}

/** Good lies at one end, alarm at the other, warning before it: else one is never reached. */
function checkOrder(reading: MeasureReading, source: YamlSource): void {
  const placed = LEVELS.flatMap((level) => {
    if (level === 'normal') return []
    const when = reading.values[level]?.values.when
    return when === undefined ? [] : [{ level, when }]
  })
  const worse = placed.filter(({ level }) => level !== 'good')
  const [warning, alarm] = [worse.find(isLevel('warning')), worse.find(isLevel('alarm'))]
  const good = placed.find(isLevel('good'))
  const first = warning ?? alarm
  if (warning !== undefined && alarm !== undefined) {
    const [near, far] = [warning.when.value, alarm.when.value]
    const isBeyond = near.direction === 'above' ? far.value > near.value : far.value < near.value
    if (near.direction !== far.direction || !isBeyond) {
      const message = 'the alarm must lie beyond the warning, on the same side'
      source.report(alarm.when.node, 'conflict', message)
      return
    }
  }
  if (good === undefined || first === undefined) return
  const [better, bad] = [good.when.value, first.when.value]
  const isApart =
    better.direction === 'above' ? better.value >= bad.value : better.value <= bad.value
  if (better.direction === bad.direction || !isApart) {
    const message = `good and ${first.level} overlap: one is above its bound, the other below`
    source.report(good.when.node, 'conflict', message)
  }
}

function checkName(
  what: 'channel' | 'class',
  name: string,
  node: Node,
  known: ReadonlySet<string> | null,
  source: YamlSource,
): void {
  if (known === null || known.has(name)) return
  const hint = suggestWord(name, [...known]) ?? `declared: ${[...known].join(', ')}`
  source.report(node, `unknown-${what}`, `there is no ${what} "${name}"`, hint)
}

function isLevel(wanted: string): (placed: { readonly level: string }) => boolean {
  return ({ level }) => level === wanted
}
