/**
 * How the cost of a record grows: the machine fed from memory (decode to encoded decisions, one
 * core, no broker, no store), one axis after the other: subscribers, triggers, counters, skew. Each
 * case is a process of its own; ratios are to the reference case, played before and after the
 * others of its axis, since the machine's speed changes.
 */

import { type BenchOptions, type BenchResult, comparedWith, median, say } from '../report.ts'
import { forkForReport } from './fork.ts'
import type { ScaleCase, ScaleReport } from './scale-case.ts'

/** The common configuration. */
const REFERENCE: ScaleCase = { subscribers: 12e6, triggers: 10, counters: 4, hotPercent: 0 }

/** What each axis counts, and its cases beside the reference. */
const AXES: Readonly<Record<string, { of: string; cases: readonly Partial<ScaleCase>[] }>> = {
  subscribers: {
    of: 'subscribers',
    cases: [{ subscribers: 1e6 }, { subscribers: 50e6 }, { subscribers: 100e6 }],
  },
  triggers: { of: 'triggers', cases: [{ triggers: 1 }, { triggers: 100 }, { triggers: 500 }] },
  counters: { of: 'counters', cases: [{ counters: 16 }, { counters: 64 }] },
  // Ninety of a hundred records are of ten of a hundred subscribers.
  skew: { of: 'percent of subscribers with 90 % of records', cases: [{ hotPercent: 10 }] },
}

/** Runs the bench: all axes, or the one that `axis` names. */
export async function runScale({ axis }: BenchOptions): Promise<BenchResult[]> {
  const names = axis === undefined ? Object.keys(AXES) : [axis]
  const results: BenchResult[] = []
  for (const name of names) {
    const axisNamed = AXES[name]
    if (axisNamed === undefined) {
      throw new Error(`--axis is one of ${Object.keys(AXES).join(', ')}`)
    }
    results.push(...(await runAxis(name, axisNamed.cases)))
  }
  return results
}

async function runAxis(name: string, cases: readonly Partial<ScaleCase>[]): Promise<BenchResult[]> {
  const before = await play(REFERENCE)
  const measured: (readonly [ScaleCase, ScaleReport])[] = []
  for (const each of cases) {
    const whole = { ...REFERENCE, ...each }
    measured.push([whole, await play(whole)])
  }
  const after = await play(REFERENCE)
  const recordsPerSecond = [...before.recordsPerSecond, ...after.recordsPerSecond]
  measured.push([REFERENCE, { ...before, recordsPerSecond }])
  const at = (whole: ScaleCase) => ({ name: AXES[name]!.of, value: valueAt(name, whole) })
  const reference = median(recordsPerSecond)
  const against = `scale.by_${name} of the common configuration`
  return measured.flatMap(([whole, report]) => {
    const rates = report.recordsPerSecond
    const result = (metric: string, value: number, unit: string): BenchResult => ({
      bench: 'scale',
      metric: `scale.${metric}`,
      value: Number(value.toPrecision(4)),
      unit,
      at: at(whole),
    })
    const rate = median(rates)
    return [
      {
        ...result(`by_${name}`, rate, 'records/s'),
        ...comparedWith(rate, against, reference),
        low: Math.min(...rates),
        high: Math.max(...rates),
        runs: rates.length,
      },
      result(`bytes_by_${name}`, report.bytesPerSubscriber, 'bytes/subscriber'),
    ]
  })
}

function valueAt(name: string, whole: ScaleCase): number {
  if (name === 'subscribers' || name === 'triggers' || name === 'counters') return whole[name]
  return whole.hotPercent
}

async function play(each: ScaleCase): Promise<ScaleReport> {
  const report = await forkForReport<ScaleReport>('scale-case.ts', [JSON.stringify(each)])
  const rates = report.recordsPerSecond.map((rate) => (rate / 1e6).toFixed(2)).join(', ')
  const { fillSeconds, residentSize, deliveriesPerRecord } = report
  say(
    `${nameOf(each)}: ${rates} million records/s; filled in ${fillSeconds.toFixed(0)} s, ` +
      `${(residentSize / 1e9).toFixed(2)} GB resident, ${deliveriesPerRecord.toFixed(4)} deliveries`,
  )
  return report
}

function nameOf({ subscribers, triggers, counters, hotPercent }: ScaleCase): string {
  const skew = hotPercent === 0 ? 'uniform' : `${hotPercent} % hot`
  return `${subscribers / 1e6} million, ${triggers} triggers, ${counters} counters, ${skew}`
}
