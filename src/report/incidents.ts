/**
 * Incidents: an alarm gets a record with its data when it ends, and within a day at the latest; one
 * that was recorded while it lasted gets a second, final record.
 */

import type { Level, MeasureSpec } from '../model/reporting.ts'
import type { WallClock } from '../model/wall-clock.ts'
import { minuteText } from './dates.ts'
import { type MeasuredValue, valueText } from './levels.ts'
import type { Incident, Saying } from './watch-state.ts'

/** Values that a record holds at most: the first one and the last. */
const VALUES_MAX = 200

/** What a look did to an incident; null: there is none any more. */
export interface IncidentOutcome {
  readonly incident: Incident | null
  readonly sayings: readonly Saying[]
}

/** Opens, follows and closes incidents. */
export class Incidents {
  readonly #clock: WallClock
  readonly #withinMs: number

  constructor(clock: WallClock, withinMs: number) {
    this.#clock = clock
    this.#withinMs = withinMs
  }

  /** One look at one measure; `value` null: it could not be judged. */
  look(
    spec: MeasureSpec,
    before: Incident | undefined,
    level: Level,
    value: MeasuredValue | null,
    atMs: number,
  ): IncidentOutcome {
    if (before === undefined && level !== 'alarm') return { incident: null, sayings: [] }
    const begun = before ?? { startedAtMs: atMs, values: [], isRecorded: false }
    const values = value === null ? begun.values : added(begun.values, [atMs, ...value])
    const incident = { ...begun, values }
    if (level !== 'alarm') {
      return { incident: null, sayings: [this.#record(spec, incident, level, atMs)] }
    }
    const isLong = atMs - incident.startedAtMs >= this.#withinMs
    if (incident.isRecorded || !isLong) return { incident, sayings: [] }
    const sayings = [this.#record(spec, incident, level, atMs)]
    return { incident: { ...incident, isRecorded: true }, sayings }
  }

  #record(spec: MeasureSpec, incident: Incident, level: Level, atMs: number): Saying {
    const { startedAtMs, values } = incident
    const startedAt = minuteText(this.#clock, startedAtMs)
    const hasEnded = level !== 'alarm'
    const words = startedAt.replaceAll(/[ :]/g, '-')
    const id = `incident-${spec.name}-${words}${hasEnded ? '' : '-lasting'}`
    const { bound, learn, mend, by } = spec.levels.alarm
    const body = {
      ...{ v: 1, id, name: 'incident', measure: spec.name, of: spec.kind, trigger: spec.trigger },
      ...{ over: spec.over, startedAt, startedAtMs },
      endedAt: hasEnded ? minuteText(this.#clock, atMs) : null,
      endedAtMs: hasEnded ? atMs : null,
      level,
      bound: bound === null ? null : `${bound.direction} ${bound.text}`,
      action: { learn, mend, by },
      values: values.map(([valueAtMs, count, total]) => ({
        at: minuteText(this.#clock, valueAtMs),
        value: valueText(spec, [count, total]),
        count,
        total,
      })),
    }
    return { kind: 'publish', id, subject: 'report.incident', body }
  }
}

function added(
  values: Incident['values'],
  value: readonly [number, number, number],
): Incident['values'] {
  const all = [...values, value]
  return all.length <= VALUES_MAX ? all : [all[0]!, ...all.slice(all.length - VALUES_MAX + 1)]
}
