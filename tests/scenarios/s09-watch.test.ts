import { describe, expect, it } from 'vitest'
import { StoryWatch } from '../../src/commands/scenario/story-watch.ts'
import { ReportFold } from '../../src/report/fold.ts'
import { ZoneClock } from '../../src/state/zone.ts'
import { BOB, ScenarioScript } from '../support/scenario-script.ts'

const MIB = 1_048_576
const ZONE = 'Asia/Shanghai'
const FIRST = 13_800_005_000

/** People of the north over the line on a day; all are handed the message, some complain. */
function day(script: ScenarioScript, date: string, people: number, complaining = 0): void {
  const before = script.said.length
  for (let i = 0; i < people; i++) {
    const subscriber = FIRST + i
    script.profile(subscriber, { fields: { province: 'north' } })
    script.usage(subscriber, `${date} 10:00`, 2 * MIB)
  }
  script.until(`${date} 11:00`)
  const sent = script.said.slice(before).flatMap((said) => (said.kind === 'delivery' ? [said] : []))
  for (const [index, { subscriber, id: deliveryId }] of sent.entries()) {
    script.report(subscriber, `${date} 11:05`, { kind: 'sent', deliveryId })
    if (index >= complaining) continue
    script.report(subscriber, `${date} 12:00`, { kind: 'complained', deliveryId })
  }
}

/** What the watch says of all that was said, up to a day. */
function watched(script: ScenarioScript, from: string, to: string): string[] {
  const fold = new ReportFold(new ZoneClock(ZONE))
  const fromMs = Date.parse(`${from}T00:00:00+08:00`)
  const watch = new StoryWatch(fold, script.catalog, ZONE, fromMs)
  const toMs = Date.parse(`${to}T00:00:00+08:00`)
  let next = 0
  for (let atMs = fromMs; atMs <= toMs; atMs += 3_600_000) {
    for (; next < script.said.length; next++) {
      const said = script.said[next]!
      if (said.kind !== 'unknown' && said.decidedAtMs >= atMs) break
      fold.apply(0, said)
    }
    watch.lookUntil(atMs, script.machine.core!)
  }
  return watch.said.map(({ atMs, saying }) => {
    const clock = new Date(atMs + 8 * 3_600_000).toISOString().slice(5, 16).replace('T', ' ')
    return `${clock} ${saying.kind === 'notice' ? `${saying.to.join()}: ${saying.text}` : saying.subject}`
  })
}

describe('S9: four levels over business numbers', () => {
  it('half as many as last week is a warning, with what is to be mended and by whom', async () => {
    const script = await ScenarioScript.open('S9-watch', '2026-11-02 08:00')
    day(script, '2026-11-02', 60)
    day(script, '2026-11-09', 30)
    script.until('2026-11-10 00:00')
    const told = watched(script, '2026-11-09', '2026-11-10')
    expect(told.filter((line) => line.includes('deliveries-last-week'))).toEqual([
      '11-09 12:00 administrator: warning: deliveries-last-week is 50.91 % of last week. Mend: compare usage and tagging with last week. By: operations',
    ])
    expect(told.filter((line) => line.includes('manager'))).toEqual([
      '11-09 08:00 manager: daily 2026-11-08: 0 sent, 0 failed, 0 responded (-), 0 ordered (-), 0 opted out, 0 complained; pack-north no verdict: nobody was reached; pack-south no verdict: nobody was reached',
    ])
  })

  it('complaints above one in a hundred are an alarm, and an incident until they are not', async () => {
    const script = await ScenarioScript.open('S9-watch', '2026-11-02 08:00')
    day(script, '2026-11-02', 60, 2)
    script.until('2026-11-12 00:00')
    const told = watched(script, '2026-11-02', '2026-11-12')
    expect(told.filter((line) => line.includes('complaints is'))).toEqual([
      '11-02 13:00 administrator: alarm: complaints is 3636.4 per 100,000. Mend: stop the trigger. By: service',
    ])
    expect(told.filter((line) => line.includes('incident'))).toEqual([
      '11-03 13:00 report.incident',
      '11-03 13:00 report.incident',
      '11-03 13:00 report.incident',
      '11-10 12:00 report.incident',
    ])
    expect(told.filter((line) => line.includes('report.complaints'))).toEqual([
      '11-02 09:00 report.complaints',
      '11-09 09:00 report.complaints',
    ])
  })

  it('why not: too few to judge; who has the pack', async () => {
    const script = await ScenarioScript.open('S9-watch', '2026-11-02 08:00')
    // Twenty are handed over; one complaint of them would be 5 %, but the least is fifty.
    day(script, '2026-11-02', 20, 1)
    script.until('2026-11-04 00:00')
    const told = watched(script, '2026-11-02', '2026-11-04')
    expect(told.filter((line) => line.includes('complaints is'))).toEqual([])
    expect(told).toEqual([
      '11-02 08:00 report.daily',
      '11-02 08:00 manager: daily 2026-11-01: 0 sent, 0 failed, 0 responded (-), 0 ordered (-), 0 opted out, 0 complained; pack-north no verdict: nobody was reached; pack-south no verdict: nobody was reached',
      '11-02 09:00 report.complaints',
      '11-03 08:00 report.daily',
      '11-03 08:00 manager: daily 2026-11-02: 19 sent, 0 failed, 0 responded (0.00 %), 0 ordered (0.00 %), 0 opted out, 1 complained; pack-north not good; pack-south no verdict: nobody was reached',
    ])
    script.usage(BOB, '2026-11-04 10:00', 2 * MIB)
    expect(script.why(BOB, 'pack-south').stops).toEqual([
      'condition: !tags.has_pack',
      'cancel: cancelled when tags.has_pack',
    ])
  })
})
