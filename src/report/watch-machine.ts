/**
 * The watch as a machine: at each look it compares what was folded with what is configured and
 * says what is to be said. Pure: the same decisions, looks and plans make the same sayings, with
 * the same ids, so that what was said before a crash is recognised after it.
 */

import {
  LEVELS,
  type Level,
  type MeasureSpec,
  type NoticeSpec,
  type ReportingSpec,
  type ReportSpec,
} from '../model/reporting.ts'
import { dayText, minuteText } from './dates.ts'
import { type ReportDocument, type ReportedTrigger, reportOf } from './document.ts'
import type { ReportFold } from './fold.ts'
import { Incidents } from './incidents.ts'
import { type Capacity, levelOf, type MeasuredValue, measure, valueText } from './levels.ts'
import {
  fillNotice,
  levelText,
  MAXIMUM_TEXT,
  type NoticeValues,
  reportText,
  reportValues,
} from './notice-text.ts'
import { dueReport, nextLook } from './schedule.ts'
import { statisticsOf, totalOf } from './statistics.ts'
import type { MeasureState, Saying, WatchState } from './watch-state.ts'

const EVERY_DEFAULT_MS = 900_000
/** Figures of a trigger take up to 2 KB, and a message of NATS 1 MiB. */
const TRIGGERS_MAX = 400

/** What the configuration says, as far as it matters here. */
export interface WatchConfiguration {
  readonly zone: string
  readonly reporting: ReportingSpec
  readonly triggers: readonly ReportedTrigger[]
}

/** What workers have planned for the running local day, by trigger. */
export type PlannedToday = ReadonlyMap<
  string,
  { readonly deliveries: number; readonly segments: number; readonly channel: string }
>

/** Made with what was kept; `state` is to be kept again after each look. */
export class WatchMachine {
  readonly #fold: ReportFold
  #configuration: WatchConfiguration
  #state: WatchState
  #sayings: Saying[] = []
  #lastCapacity: Capacity | null = null

  constructor(fold: ReportFold, configuration: WatchConfiguration, state: WatchState) {
    this.#fold = fold
    this.#configuration = configuration
    this.#state = state
  }

  get state(): WatchState {
    return this.#state
  }

  /** What the last look saw of the daily maximum; null: there is none. */
  get capacity(): Capacity | null {
    return this.#lastCapacity
  }

  /** Begins with the first look after this instant, unless it has begun before. */
  begin(atMs: number): void {
    if (this.#state.lookedAtMs === null) this.#state = { ...this.#state, lookedAtMs: atMs }
  }

  configure(configuration: WatchConfiguration): void {
    this.#configuration = configuration
  }

  /** Instant of the next look. */
  nextLookMs(): number {
    const { reports, watch } = this.#configuration.reporting
    const everyMs = watch?.everyMs ?? EVERY_DEFAULT_MS
    return nextLook(this.#fold.clock, everyMs, reports, this.#state.lookedAtMs ?? 0)
  }

  /** Whether a look says more if it is known what is planned. */
  get isPlanAsked(): boolean {
    const { reports, watch } = this.#configuration.reporting
    return watch?.dailyMaximum != null || reports.some(({ kind }) => kind === 'sendout')
  }

  /**
   * Looks. All decisions from before `atMs` are folded, and none from after; `planned` null: not
   * known.
   */
  look(atMs: number, planned: PlannedToday | null): void {
    this.#sayings = []
    const { reports, watch } = this.#configuration.reporting
    const capacity = this.#capacity(atMs, planned)
    this.#lastCapacity = capacity
    for (const report of reports) this.#report(report, atMs, planned)
    if (watch !== null) {
      this.#warnOfMaximum(atMs, capacity)
      for (const spec of watch.measures) this.#measure(spec, atMs, capacity)
    }
    this.#forgetRemoved(new Set(watch?.measures.map(({ name }) => name)))
    const unsaid = [...this.#state.unsaid, ...this.#sayings]
    this.#state = { ...this.#state, lookedAtMs: atMs, unsaid }
  }

  /** What was said is no longer to be said. */
  markSaid(ids: ReadonlySet<string>): void {
    const unsaid = this.#state.unsaid.filter(({ id }) => !ids.has(id))
    this.#state = { ...this.#state, unsaid }
  }

  #report(spec: ReportSpec, atMs: number, planned: PlannedToday | null): void {
    if (spec.kind === 'sendout') {
      this.#sendout(spec, atMs, planned)
      return
    }
    const due = dueReport(spec, this.#fold.clock, atMs)
    if (due === null || this.#state.reported[spec.name] === due.key) return
    const { clock } = this.#fold
    const { fromDay, toDay } = due
    const [fromMs, toMs] = [clock.instantOf(fromDay, 0), clock.instantOf(toDay, 0)]
    const last = dayText(toDay - 1)
    const date = toDay - fromDay === 1 ? last : `${dayText(fromDay)} to ${last}`
    this.#say(spec, due.key, date, this.#document(spec, fromMs, toMs, atMs, null))
  }

  /** Of the running day, once nothing of it is pending; at the latest moment whatever is. */
  #sendout(spec: ReportSpec, atMs: number, planned: PlannedToday | null): void {
    const { clock, cohorts } = this.#fold
    const day = clock.dayAt(atMs)
    const minute = clock.minuteAt(atMs)
    const key = dayText(day)
    if (minute < spec.earliestMinute || this.#state.reported[spec.name] === key) return
    const triggers = spec.triggers ?? this.#knownTriggers()
    const waiting =
      planned === null
        ? null
        : triggers.reduce((sum, id) => sum + (planned.get(id)?.deliveries ?? 0), 0)
    const fromMs = clock.instantOf(day, 0)
    if (minute < spec.latestMinute) {
      if (waiting !== 0) return
      const { delivered, canaries } = totalOf(this.#fold, new Set(triggers), fromMs, atMs).counts
      // Of what nobody reports on there is nothing to wait for.
      const isOpen = triggers.some(
        (id) => this.#isReportedOn(id) && cohorts.unreported(id, day) > 0,
      )
      if (delivered + canaries === 0 || isOpen) return
    }
    const report = this.#document(spec, fromMs, atMs, atMs, waiting)
    this.#say(spec, key, key, report)
  }

  #document(
    { name, kind, triggers: asked }: ReportSpec,
    fromMs: number,
    toMs: number,
    madeAtMs: number,
    planned: number | null,
  ): ReportDocument {
    const { zone, triggers } = this.#configuration
    const span = { fromMs, toMs, madeAtMs }
    return reportOf(this.#fold, { name, kind, zone, ...span, triggers, asked, planned })
  }

  #say(spec: ReportSpec, key: string, date: string, report: ReportDocument): void {
    const id = `report-${spec.name}-${key}`
    const body = { id, about: spec.about, date, ...report, ...busiest(report) }
    this.#sayings.push({ kind: 'publish', id, subject: `report.${spec.name}`, body })
    const text = spec.message?.text ?? reportText(spec)
    this.#tell(spec.message, id, text, reportValues(report, date), report.madeAtMs)
    const reported = { ...this.#state.reported, [spec.name]: key }
    this.#state = { ...this.#state, reported }
  }

  #tell(
    message: NoticeSpec | null,
    id: string,
    text: string,
    values: NoticeValues,
    atMs: number,
  ): void {
    if (message === null) return
    const { to, channel, class: messageClass } = message
    const filled = fillNotice(text, values)
    const notice = { id: `${id}-notice`, to, channel, class: messageClass, text: filled, atMs }
    this.#sayings.push({ kind: 'notice', ...notice })
  }

  #capacity(atMs: number, planned: PlannedToday | null): Capacity | null {
    const maximum = this.#configuration.reporting.watch?.dailyMaximum
    if (maximum == null) return null
    const { clock } = this.#fold
    const day = clock.dayAt(atMs)
    const fromMs = clock.instantOf(day, 0)
    const channels = new Map(this.#configuration.triggers.map(({ id, channel }) => [id, channel]))
    const query = { by: ['channel'] as const, fromMs, toMs: atMs, triggers: null }
    const rows = statisticsOf(this.#fold, {
      ...query,
      channelOf: (trigger) => channels.get(trigger) ?? '',
    })
    const sent = rows.find(({ words }) => words.channel === maximum.channel)?.counts.segments ?? 0
    let waiting = 0
    for (const plan of planned?.values() ?? []) {
      if (plan.channel === maximum.channel) waiting += plan.segments
    }
    return { segments: sent + waiting, maximum: maximum.segments }
  }

  #warnOfMaximum(atMs: number, capacity: Capacity | null): void {
    const spec = this.#configuration.reporting.watch?.dailyMaximum
    const date = dayText(this.#fold.clock.dayAt(atMs))
    if (spec == null || capacity === null || this.#state.warnedDay === date) return
    const { segments, maximum } = capacity
    if (segments <= maximum) return
    const id = `daily-maximum-${date}`
    const at = minuteText(this.#fold.clock, atMs)
    const body = { v: 1, id, level: 'warning', measure: 'daily-maximum', at, atMs, ...capacity }
    this.#sayings.push({ kind: 'publish', id, subject: 'alarm.warning', body })
    const values = { date, segments: String(segments), maximum: String(maximum) }
    this.#tell(spec.message, id, spec.message?.text ?? MAXIMUM_TEXT, values, atMs)
    this.#state = { ...this.#state, warnedDay: date }
  }

  #measure(spec: MeasureSpec, atMs: number, capacity: Capacity | null): void {
    const value = measure(this.#fold, spec, atMs, capacity)
    const before = this.#state.measures[spec.name] ?? null
    // What cannot be judged keeps its level: no news is neither good nor bad.
    const level = value === null ? (before?.level ?? 'normal') : levelOf(spec, value)
    const isChange = level !== (before?.level ?? 'normal')
    if (isChange) this.#change(spec, before, level, value!, atMs)
    const sinceMs = isChange || before === null ? atMs : before.sinceMs
    const next: MeasureState = { level, sinceMs, value: value ?? before?.value ?? null }
    const measures = { ...this.#state.measures, [spec.name]: next }
    const watch = this.#configuration.reporting.watch!
    const incidents = new Incidents(this.#fold.clock, watch.incidentWithinMs)
    const outcome = incidents.look(spec, this.#state.incidents[spec.name], level, value, atMs)
    const { [spec.name]: _, ...others } = this.#state.incidents
    this.#sayings.push(...outcome.sayings)
    const kept = outcome.incident === null ? others : { ...others, [spec.name]: outcome.incident }
    this.#state = { ...this.#state, measures, incidents: kept }
  }

  #change(
    spec: MeasureSpec,
    before: MeasureState | null,
    level: Level,
    value: MeasuredValue,
    atMs: number,
  ): void {
    const { clock } = this.#fold
    const watch = this.#configuration.reporting.watch!
    const at = minuteText(clock, atMs)
    const id = `level-${spec.name}-${at.replaceAll(/[ :]/g, '-')}-${level}`
    const { bound, learn, mend, by } = spec.levels[level]
    const said = valueText(spec, value)
    const body = {
      ...{ v: 1, id, level, before: before?.level ?? 'normal', at, atMs },
      ...{ measure: spec.name, of: spec.kind, trigger: spec.trigger, over: spec.over },
      ...{ value: said, count: value[0], total: value[1] },
      bound: bound === null ? null : `${bound.direction} ${bound.text}`,
      action: { learn, mend, by },
    }
    this.#sayings.push({ kind: 'publish', id, subject: `alarm.${level}`, body })
    const from = LEVELS.indexOf(watch.fromLevel)
    const worst = Math.max(LEVELS.indexOf(level), LEVELS.indexOf(before?.level ?? 'normal'))
    if (worst < from) return
    const values = {
      level,
      name: spec.name,
      value: said,
      date: at.slice(0, 10),
      ...words(spec, level),
    }
    this.#tell(
      watch.message,
      id,
      watch.message?.text ?? levelText(spec.levels[level]),
      values,
      atMs,
    )
  }

  #forgetRemoved(names: ReadonlySet<string>): void {
    const { measures, incidents } = this.#state
    const isKept = ([name]: readonly [string, unknown]): boolean => names.has(name)
    this.#state = {
      ...this.#state,
      measures: Object.fromEntries(Object.entries(measures).filter(isKept)),
      incidents: Object.fromEntries(Object.entries(incidents).filter(isKept)),
    }
  }

  #isReportedOn(id: string): boolean {
    const trigger = this.#configuration.triggers.find((each) => each.id === id)
    return trigger?.loop?.isTellingReceipts === true && trigger.action?.kind !== 'tag'
  }

  #knownTriggers(): readonly string[] {
    const configured = this.#configuration.triggers.map(({ id }) => id)
    return [...new Set([...configured, ...this.#fold.cohorts.triggers()])]
  }
}

/** A message holds so many triggers: the busiest ones; how many are left out is said. */
function busiest({ triggers }: ReportDocument): Pick<ReportDocument, 'triggers'> & {
  readonly triggersLeftOut: number
} {
  const byDecided = triggers.toSorted((a, b) => b.counts.decided - a.counts.decided)
  const kept = new Set(byDecided.slice(0, TRIGGERS_MAX))
  return {
    triggers: triggers.filter((figures) => kept.has(figures)),
    triggersLeftOut: triggers.length - kept.size,
  }
}

function words(spec: MeasureSpec, level: Level): NoticeValues {
  const given = Object.entries(spec.levels[level]).filter(([key, value]) => {
    return key !== 'bound' && value !== null
  })
  return Object.fromEntries(given) as NoticeValues
}
