/**
 * Channels' capacity in one partition: counts what goes out, makes wait what has no room, says
 * whose turn it is when there is room again, and asks partition 0 for more. Time is the log's: its
 * seconds, and hours and days of the default zone.
 */

import type { ChannelBudgetImage, RunningPeriods } from '../decision/channel-budget.ts'
import { ChannelBudget } from '../decision/channel-budget.ts'
import { type CapacityPeriod, GENERAL_PURSE } from '../decision/capacity.ts'
import { latestInstant } from '../decision/schedule.ts'
import type { ControlMessage } from '../model/messages.ts'
import type { CapacitySpec } from '../model/policy.ts'
import { RejectError } from '../model/reject.ts'
import type { ChannelView } from '../model/view.ts'
import { type LedgerRow, ROW_WAITING } from '../state/ledger.ts'
import { formatPeriod } from '../state/periods.ts'
import { MS_PER_DAY, MS_PER_HOUR } from '../state/zone.ts'
import type { Admission, CapacityGate } from './capacity-gate.ts'
import { ChannelQueue, type Claim, type Rank } from './channel-queue.ts'
import type { CompiledTrigger } from './compile.ts'
import type { PartitionCore } from './core.ts'
import { type Errand, type ErrandSource, JoinedErrands, NO_ERRANDS } from './errands.ts'
import { type AskMessage, type Grant, Granting } from './granting.ts'

/** Priorities go up to 999: a layer outweighs all of them. */
const PRIORITIES = 1000
const PERIODS = ['hour', 'day'] as const

/** Budgets and grants as plain values; small, for the manifest. */
export interface CapacityImage {
  readonly channels: readonly ChannelBudgetImage[]
  readonly grants: readonly Grant[]
}

type GrantMessage = Extract<ControlMessage, { kind: 'grant' }>

/** Order among rows that are due: smaller goes first. */
export function dueRank({ layer, priority }: { layer: number; priority: number }): number {
  return layer * PRIORITIES + priority
}

/** The capacity of all channels, as one partition has it. */
export class Capacity implements CapacityGate, ErrandSource {
  readonly #core: PartitionCore
  readonly #queue = new ChannelQueue()
  readonly #channels = new Map<string, ChannelBudget>()
  readonly #granting: Granting | null
  /** On inbound channels nobody waits who could be asked for: something is held in any case. */
  #standing: readonly Claim[] = []
  #specs = new Map<string, CapacitySpec | null>()
  #running: RunningPeriods = { second: -1, hour: '', day: '', nextHourMs: 0, nextDayMs: 0 }
  #asks: readonly Errand[] | null = null
  readonly #errands: JoinedErrands
  /** Who was sent something in the input that is being applied, by channel and class. */
  readonly #sent = new Map<string, Claim>()
  readonly #isMet = (claim: Claim | null): boolean => this.#mayLeave(claim)

  constructor(core: PartitionCore) {
    this.#core = core
    const { partition, partitionCount } = core.genesis
    const isAuthority = partition === 0 && partitionCount > 1
    this.#granting = isAuthority ? new Granting(partitionCount) : null
    const asks = { errands: () => (this.#asks ??= this.#listAsks()) }
    this.#errands = new JoinedErrands(this.#granting === null ? [asks] : [asks, this.#granting])
  }

  /** How many wait for room. */
  get waitingCount(): number {
    return this.#queue.count
  }

  /**
   * Earliest instant at which something that waits may leave its line, or a period ends in
   * which something was sent or asked for: alarms and standings are to end with it. -Infinity: now.
   */
  get nextDueMs(): number {
    this.#roll()
    let dueMs = this.#nextEndMs
    if (this.#queue.count === 0) return dueMs
    dueMs = Math.min(dueMs, this.#queue.nextDeadlineMs)
    for (const claim of this.#queue.claims()) {
      if (this.#mayLeave(claim)) return Number.NEGATIVE_INFINITY
      const roomMs = this.#budget(claim!.channel).nextRoomMs(claim!.class, this.#running)
      dueMs = Math.min(dueMs, roomMs)
    }
    return dueMs
  }

  /** Another configuration is in force, or an image was loaded: limits, and everybody's line. */
  useCatalog(): void {
    const { channels } = this.#core.compiled.catalog.policy
    this.#specs = new Map(channels.map(({ name, capacity }) => [name, capacity]))
    for (const { name } of channels) this.#budget(name)
    for (const [name, budget] of this.#channels) budget.setCapacity(this.#specs.get(name) ?? null)
    this.#asks = null
    this.#standing = this.#claimsOfOffers()
    for (const number of this.#queue.clear()) this.#line(number, this.#core.ledger.read(number))
  }

  /** Puts everybody in line who waits according to the ledger; for load, before `useCatalog`. */
  rebuild(): void {
    const { ledger } = this.#core
    for (let number = 0; number < ledger.table.rowCount; number++) {
      if (ledger.status(number) !== ROW_WAITING) continue
      const { layer, priority, dueMs, id, notAfterMs: deadlineMs } = ledger.read(number)
      this.#queue.add(number, null, { rank: dueRank({ layer, priority }), dueMs, id, deadlineMs })
    }
  }

  isRefusing(row: LedgerRow, { spec }: CompiledTrigger): boolean {
    if (row.isCanary || spec.overCapacity !== 'drop') return false
    this.#roll()
    const budget = this.#budget(spec.channel)
    return budget.isLimited && !budget.hasRoom(spec.class) && budget.isOver(spec.class)
  }

  admit(row: LedgerRow, { spec }: CompiledTrigger): Admission {
    this.#roll()
    const budget = this.#budget(spec.channel)
    const isSent = row.experiment === 0
    if (row.isCanary || !budget.isLimited) {
      if (isSent) budget.spend(spec.class)
      return 'go'
    }
    if (!budget.hasRoom(spec.class)) return 'wait'
    if (this.#isAnybodyBefore(row, spec.channel)) return 'wait'
    if (isSent) this.#spend(budget, spec.class)
    return 'go'
  }

  /** Whether a delivery would leave at once, if it came now; changes nothing. */
  isOpenFor(row: LedgerRow, { spec }: CompiledTrigger): boolean {
    this.#roll()
    const budget = this.#channels.get(spec.channel)
    if (budget === undefined || row.isCanary || !budget.isLimited) return true
    return budget.hasRoom(spec.class) && !this.#isAnybodyBefore(row, spec.channel)
  }

  /** Whether an input may let somebody out of a line. */
  get isAnybodyWaiting(): boolean {
    return this.#queue.count > 0
  }

  hold(number: number, row: LedgerRow): void {
    const { compiled, ledger, clockMs } = this.#core
    const { spec } = compiled.triggerByCode(row.trigger)!
    row.notAfterMs = latestInstant(spec, this.#core.clockOf(row.slot), clockMs, row.expiresAtMs)
    ledger.write(number, row)
    this.#line(number, row)
  }

  /** A delivery went out that nobody asked about. */
  count(channel: string, className: string): void {
    this.#roll()
    this.#budget(channel).spend(className)
  }

  forget(number: number): void {
    this.#queue.remove(number)
  }

  /**
   * Takes the next row out of its line, to be checked once more: one whose deadline has come, or
   * one whose channel has room and that goes before `timer`, which is due as well (null: none is).
   * Returns its number, or -1.
   */
  takeDue(timer: Rank | null): number {
    this.#roll()
    if (this.#queue.count === 0) return -1
    let number = this.#queue.nextDeadlineRow
    if (this.#queue.nextDeadlineMs > this.#core.clockMs) {
      if (timer !== null && !this.#queue.isAnybodyBefore(timer, this.#isMet)) return -1
      number = this.#queue.first(this.#isMet)
    }
    if (number !== -1) this.#queue.remove(number)
    return number
  }

  /** Asks for more where somebody waits, or soon would. Call when an input is applied whole. */
  askForMore(): void {
    if (this.#queue.count === 0 && this.#sent.size === 0 && this.#standing.length === 0) return
    this.#roll()
    for (const claim of this.#standing) this.#ask(claim)
    for (const claim of this.#queue.claims()) if (claim !== null) this.#ask(claim)
    for (const claim of this.#sent.values()) this.#ask(claim)
    this.#sent.clear()
  }

  /** Another partition asks. Throws RejectError where this one has nothing to give. */
  decide(ask: AskMessage): void {
    if (this.#granting === null || ask.partition === 0) {
      throw new RejectError('wrong-partition', 'partition', 'partition 0 is asked, by others')
    }
    this.#roll()
    this.#granting.decide(ask, this.#specs.get(ask.channel) ?? null, this.#running)
  }

  /** An answer of partition 0; one for a past period, or no declared channel, is too late. */
  take({ channel, period, class: className, total, asked, left }: GrantMessage): void {
    this.#roll()
    const budget = this.#channels.get(channel)
    if (budget === undefined || !this.#specs.has(channel)) return
    for (const each of PERIODS) {
      if (budget[each].period !== period) continue
      budget[each].take({ purse: className ?? GENERAL_PURSE, total, asked, left })
      this.#asks = null
    }
  }

  errands(): readonly Errand[] {
    return this.#errands.errands()
  }

  /** How limited channels stand, in the order of their declaration. */
  view(): ChannelView[] {
    this.#roll()
    const limited = [...this.#specs].filter(([, capacity]) => capacity !== null)
    return limited.map(([channel]) => ({
      channel,
      waiting: this.#queue.countOf(channel),
      periods: this.#budget(channel)
        .standings()
        .filter(({ limit }) => limit !== null),
    }))
  }

  /** As of the clock, whether anybody has asked for anything since it moved or not. */
  image(): CapacityImage {
    this.#roll()
    const names = [...this.#channels.keys()].sort()
    return {
      channels: names.map((name) => this.#channels.get(name)!.image()),
      grants: this.#granting?.image() ?? [],
    }
  }

  restore({ channels, grants }: CapacityImage): void {
    for (const image of channels) {
      const budget = new ChannelBudget(image.channel, this.#core.genesis)
      budget.restore(image)
      this.#channels.set(image.channel, budget)
    }
    this.#granting?.restore(grants)
  }

  get #nextEndMs(): number {
    const { nextHourMs, nextDayMs } = this.#running
    let endMs = Number.POSITIVE_INFINITY
    for (const { hour, day } of this.#channels.values()) {
      if (hour.limit !== null && hour.isTouched) return Math.min(nextHourMs, nextDayMs)
      if (day.limit !== null && day.isTouched) endMs = nextDayMs
    }
    return endMs
  }

  #isAnybodyBefore(row: LedgerRow, channel: string): boolean {
    if (this.#queue.count === 0) return false
    const rank: Rank = { rank: dueRank(row), dueMs: row.dueMs, id: row.id }
    return this.#queue.isAnybodyBefore(rank, (claim) => {
      return claim?.channel === channel && this.#mayLeave(claim)
    })
  }

  #mayLeave(claim: Claim | null): boolean {
    if (claim === null) return true
    const budget = this.#budget(claim.channel)
    if (budget.hasRoom(claim.class)) return true
    return claim.isDropped && budget.isOver(claim.class)
  }

  #line(number: number, row: LedgerRow): void {
    const spec = this.#core.compiled.triggerByCode(row.trigger)?.spec
    const claim =
      spec === undefined
        ? null
        : {
            channel: spec.channel,
            class: spec.class,
            isDropped: spec.overCapacity === 'drop',
          }
    const { dueMs, id, notAfterMs: deadlineMs } = row
    this.#queue.add(number, claim, { rank: dueRank(row), dueMs, id, deadlineMs })
  }

  /** Every class of offers on an inbound channel with a limit. */
  #claimsOfOffers(): Claim[] {
    const { triggers, policy } = this.#core.compiled.catalog
    return policy.channels.flatMap(({ name: channel, capacity, isInbound }) => {
      if (!isInbound || capacity === null) return []
      const ofChannel = triggers.filter((trigger) => trigger.channel === channel)
      const classes = new Set(ofChannel.map((trigger) => trigger.class))
      return [...classes].map((name) => ({ channel, class: name, isDropped: true }))
    })
  }

  #spend(budget: ChannelBudget, className: string): void {
    budget.spend(className)
    if (this.#core.genesis.partitionCount === 1) return
    const { channel } = budget
    this.#sent.set(`${channel} ${className}`, { channel, class: className, isDropped: false })
  }

  #ask({ channel, class: className }: Claim): void {
    if (this.#core.genesis.partitionCount === 1) return
    const budget = this.#budget(channel)
    const waiting = this.#queue.countOf(channel)
    for (const period of budget.budgetsToAsk(className)) {
      const ask = budget[period].ask(className, waiting)
      if (ask === null) continue
      this.#asks = null
      if (this.#granting === null) continue
      const message = this.#messageOf(budget, period, ask)
      const spec = this.#specs.get(budget.channel) ?? null
      const answer = this.#granting.decide(message, spec, this.#running)
      if (answer !== null) budget[period].take(answer)
    }
  }

  #listAsks(): readonly Errand[] {
    const names = [...this.#channels.keys()].sort()
    const asks = names.flatMap((name) => {
      const budget = this.#channels.get(name)!
      return PERIODS.flatMap((period) =>
        budget[period].openAsks().map((ask) => ({
          partition: 0,
          message: this.#messageOf(budget, period, ask),
        })),
      )
    })
    return asks.length === 0 ? NO_ERRANDS : asks
  }

  #messageOf(
    { channel, ...budgets }: Pick<ChannelBudget, 'channel' | CapacityPeriod>,
    period: CapacityPeriod,
    { purse, total }: { readonly purse: string; readonly total: number },
  ): AskMessage {
    const { partition } = this.#core.genesis
    const text = budgets[period].period
    return {
      kind: 'ask',
      id: `ask:${channel}:${text}:${purse}:${partition}:${total}`,
      partition,
      channel,
      period: text,
      class: purse === GENERAL_PURSE ? null : purse,
      total,
    }
  }

  #budget(channel: string): ChannelBudget {
    let budget = this.#channels.get(channel)
    if (budget === undefined) {
      budget = new ChannelBudget(channel, this.#core.genesis)
      budget.roll(this.#running)
      budget.setCapacity(this.#specs.get(channel) ?? null)
      this.#channels.set(channel, budget)
    }
    return budget
  }

  /** Goes on to the periods of the partition's clock. */
  #roll(): void {
    const { clockMs } = this.#core
    const second = Math.floor(clockMs / 1000)
    if (second === this.#running.second) return
    const { hour, day, nextHourMs, nextDayMs } = this.#running
    this.#running =
      clockMs < Math.min(nextHourMs, nextDayMs)
        ? { second, hour, day, nextHourMs, nextDayMs }
        : runningPeriods(this.#core, second)
    for (const budget of this.#channels.values()) budget.roll(this.#running)
    if (this.#running.hour === hour) return
    this.#asks = null
    this.#granting?.forget(this.#running)
    for (const [name, budget] of this.#channels) {
      if (budget.isBlank && !this.#specs.has(name)) this.#channels.delete(name)
    }
  }
}

/** The periods of the clock, and their ends; earlier where the zone's offset changes before. */
function runningPeriods(core: PartitionCore, second: number): RunningPeriods {
  const { clockMs } = core
  const clock = core.defaultClock()
  const offsetMs = clock.offsetAt(clockMs)
  const hour = Math.floor((clockMs + offsetMs) / MS_PER_HOUR)
  const day = Math.floor((clockMs + offsetMs) / MS_PER_DAY)
  const changeMs = clock.rangeEnd(clockMs)
  return {
    second,
    hour: formatPeriod('hour', hour),
    day: formatPeriod('day', day),
    nextHourMs: Math.min((hour + 1) * MS_PER_HOUR - offsetMs, changeMs),
    nextDayMs: Math.min((day + 1) * MS_PER_DAY - offsetMs, changeMs),
  }
}
