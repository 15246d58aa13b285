/**
 * What must hold of a town's deliveries whoever decides them: none outside its window, and no
 * channel beyond what it can carry, over all partitions.
 */

import type { InputMessage } from '../../src/model/ports.ts'
import { inspectSubscriber } from '../../src/partition/inspect.ts'
import { localTime } from './naive/zone.ts'
import { grownLimit, isOpenInTown, type TownLimits } from './policy-town.ts'
import type { Undisturbed, WireDecision } from './undisturbed.ts'
import { TOWN_ZONE } from './workload/town-traffic.ts'

const HOUR_MS = 3_600_000

/** Looks at each delivery of one partition at the moment of its decision. */
export class TownWatch {
  readonly failures: string[] = []

  /** Lets the machine apply a message, and looks at what it decides. */
  follow(undisturbed: Undisturbed, message: InputMessage): void {
    const { decisions, machine } = undisturbed
    const first = decisions.length
    undisturbed.apply(message)
    // What becomes due by it was decided before it moved or forgot anybody.
    const isChange = message.subject.startsWith('profile.')
    for (let index = first; index < decisions.length; index++) {
      const decision = decisions[index]!
      if (!isOrdinary(decision)) continue
      const at = Number(decision.at)
      const [from, to] = [Number(decision.not_before), Number(decision.not_after)]
      if (from !== at || to <= at) this.#fail(decision, `at ${at}, valid from ${from} to ${to}`)
      const view = inspectSubscriber(machine.core!, Number(decision.sub))
      if (view === null || isChange) continue
      const { dayNumber, minuteOfDay } = localTime(at, view.zone)
      const where = { day: dayNumber, minuteOfDay, generation: Number(decision.gen) }
      if (!isOpenInTown(String(decision.trigger), where)) {
        const when = `minute ${minuteOfDay} of ${view.zone}, generation ${where.generation}`
        this.#fail(decision, `at ${when}: outside its window`)
      }
    }
  }

  #fail({ n, kind, trigger }: WireDecision, text: string): void {
    this.failures.push(`decision ${n}, ${kind} of ${trigger}: ${text}`)
  }
}

/** What obeys windows and capacity: no question back, which whoever just wrote gets at once. */
function isOrdinary({ kind, purpose }: WireDecision): boolean {
  return (kind === 'delivery' || kind === 'holdout') && purpose === undefined
}

/** Channels that sent more than they can carry, in words. `perHour` of sms grew at `grownAtMs`. */
export function excessOf(
  decisions: readonly WireDecision[],
  { sms, push }: TownLimits,
  grownAtMs: number,
): string[] {
  const counts = new Map<string, { count: number; limit: number }>()
  const count = (key: string, limit: number): void => {
    const entry = counts.get(key) ?? { count: 0, limit }
    counts.set(key, { count: entry.count + 1, limit: Math.max(limit, entry.limit) })
  }
  for (const decision of decisions) {
    const { kind, channel, canary, at } = decision
    if (!isOrdinary(decision) || kind !== 'delivery' || canary === true) continue
    const atMs = Number(at)
    const hour = Math.floor(atMs / HOUR_MS)
    const isGrown = hour >= Math.floor(grownAtMs / HOUR_MS)
    if (channel === 'push') count(`push in hour ${hour}`, push.perHour)
    if (channel !== 'sms') continue
    count(`sms in second ${Math.floor(atMs / 1000)}`, sms.perSecond)
    count(`sms in hour ${hour}`, isGrown ? grownLimit(sms.perHour) : sms.perHour)
    count(`sms on day ${localTime(atMs, TOWN_ZONE).dayNumber}`, sms.perDay)
  }
  return [...counts].flatMap(([key, entry]) =>
    entry.count > entry.limit ? [`${entry.count} ${key}, ${entry.limit} are allowed`] : [],
  )
}
