/**
 * The naive model: every delivery is an object that is kept for ever, every question is asked of
 * all of them. Shares no code with the engine; which numbers are held out it is told.
 */

import {
  HOUR_MS,
  type PlainAnswer,
  type PlainCase,
  type PlainConfig,
  type PlainDecision,
  type PlainInput,
  type PlainReply,
  type PlainReport,
  type PlainTrigger,
  SUBSCRIBERS,
} from './plain.ts'
import { dayOf, idOf, plain, THANKS, toggle } from './words.ts'

interface Sent {
  trigger: PlainTrigger
  sub: number
  period: string
  attempt: number
  incarnation: number
  dueMs: number
  order: number
  state: 'waiting' | 'out' | 'reached' | 'gone'
  isHeldOut: boolean
  isCanary: boolean
  /** What was told of this attempt, and in this period. */
  told: Set<string>
  ever: Set<string>
  asked: { word: string; untilMs: number } | null
  askedTold: Set<string>
}

interface Person {
  tags: Set<string>
  lists: Set<string>
  region: string | null
  fired: Set<string>
}

const RECEIPTS = ['sent', 'delivered', 'failed', 'expired']
const SKEW_MS = 300_000

/** Whether a subscriber is in the control group of a trigger with this share, percent. */
export type HeldOut = (trigger: string, percent: number, sub: number) => boolean

/** What the model says to a case. */
export class LoopModel {
  readonly decisions: PlainDecision[] = []
  readonly refused: Record<string, number> = {}
  repeats = 0
  nowMs: number
  readonly sent: Sent[] = []
  readonly #isHeldOut: HeldOut
  readonly #people = new Map<number, Person>()
  readonly #erased = new Map<number, number>()
  config: PlainConfig
  #input = 1
  #orders = 0
  #fired: { trigger: PlainTrigger; sub: number; period: string }[] = []

  constructor({ startMs, config }: Pick<PlainCase, 'startMs' | 'config'>, isHeldOut: HeldOut) {
    this.nowMs = startMs
    this.config = config
    this.#isHeldOut = isHeldOut
  }

  apply(input: PlainInput): void {
    this.#input += 1
    if (input.kind === 'tick') this.nowMs = Math.max(this.nowMs, input.timeMs)
    this.#fireDue()
    if (input.kind === 'usage') this.#fire(input.sub, this.config.triggers)
    else if (input.kind === 'profile') this.#applyProfile(input)
    else if (input.kind === 'report') for (const row of input.rows) this.#report(row)
    else if (input.kind === 'config') this.config = input.config
    else if (input.kind === 'erase') this.#erase(input.sub)
    for (const { trigger, sub, period } of this.#fired.splice(0)) {
      this.#decide(trigger, sub, period)
    }
  }

  answer(): PlainAnswer {
    const profiles = SUBSCRIBERS.flatMap((sub) => {
      const person = this.#people.get(sub)
      if (person === undefined) return []
      return [{ sub, tags: [...person.tags].sort(), lists: [...person.lists].sort() }]
    })
    const { decisions, refused, repeats } = this
    return { decisions, profiles, refused, repeats }
  }

  #person(sub: number): Person {
    let person = this.#people.get(sub)
    if (person === undefined) {
      person = { tags: new Set(), lists: new Set(), region: null, fired: new Set() }
      this.#people.set(sub, person)
    }
    return person
  }

  #applyProfile(input: PlainInput & { kind: 'profile' }): void {
    const person = this.#person(input.sub)
    const hadBought = person.tags.has('bought')
    for (const [tag, isSet] of Object.entries(input.tags ?? {})) toggle(person.tags, tag, isSet)
    for (const [list, isOn] of Object.entries(input.lists ?? {})) toggle(person.lists, list, isOn)
    if (input.region !== undefined) person.region = input.region
    if (!hadBought && person.tags.has('bought')) this.#thank(input.sub)
  }

  #thank(sub: number): void {
    this.#fire(sub, [THANKS])
  }

  #fire(sub: number, triggers: readonly PlainTrigger[]): void {
    const person = this.#person(sub)
    for (const trigger of triggers) {
      const period = trigger.once === 'ever' ? 'ever' : dayOf(this.nowMs)
      const latch = `${trigger.id} ${period}`
      if (person.fired.has(latch)) continue
      person.fired.add(latch)
      this.#fired.push({ trigger, sub, period })
    }
  }

  #decide(trigger: PlainTrigger, sub: number, period: string): void {
    const { lists } = this.#person(sub)
    const incarnation = this.#erased.get(sub) ?? 0
    const isCanary = lists.has('canary')
    const fresh: Sent = {
      ...{ trigger, sub, period, incarnation, attempt: 1, order: ++this.#orders },
      ...{ dueMs: this.nowMs + trigger.delayHours * HOUR_MS, state: 'waiting', isCanary },
      ...{ told: new Set(), ever: new Set(), asked: null, askedTold: new Set() },
      isHeldOut: !isCanary && this.#isHeldOut(trigger.id, trigger.heldOut, sub),
    }
    const reason = this.#refusalOf(trigger, sub, trigger.delayHours === 0)
    if (reason !== null) {
      this.#suppress(fresh, reason)
      return
    }
    this.sent.push(fresh)
    if (trigger.delayHours === 0) this.#emit(fresh)
  }

  #refusalOf(trigger: PlainTrigger, sub: number, isDue: boolean): string | null {
    const { lists, tags } = this.#person(sub)
    if (lists.has('black')) return 'list-black'
    if (trigger.class === 'marketing' && lists.has('optOut')) return 'opted-out'
    if (isDue && trigger.cancelTag !== null && tags.has(trigger.cancelTag)) return 'cancelled'
    return null
  }

  #fireDue(): void {
    const due = this.sent.filter(({ state, dueMs }) => state === 'waiting' && dueMs <= this.nowMs)
    due.sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)
    for (const each of due) {
      const trigger = this.config.triggers.find(({ id }) => id === each.trigger.id)
      if (trigger === undefined) throw new Error('the histories remove no triggers')
      each.trigger = trigger
      const isLate = this.nowMs >= each.dueMs + 24 * HOUR_MS
      const reason = this.#refusalOf(trigger, each.sub, true) ?? (isLate ? 'expired' : null)
      if (reason === null) this.#emit(each)
      else this.#suppress(each, reason)
    }
  }

  #emit(each: Sent): void {
    each.state = 'out'
    each.dueMs = this.nowMs
    const { channel } = each.trigger
    const kind = each.isHeldOut ? 'holdout' : 'delivery'
    const canary = each.isCanary ? { canary: true } : {}
    const purpose = {}
    this.#say(each, { kind, id: idOf(each, each.period), channel, ...canary, ...purpose }, true)
  }

  #suppress(each: Sent, reason: string): void {
    each.state = 'gone'
    this.#say(each, { kind: 'suppressed', reason }, false)
  }

  #say(each: Sent, rest: Partial<PlainDecision> & { kind: string }, hasRegion: boolean): void {
    const { region } = this.#person(each.sub)
    const { sub, period, attempt } = each
    const head = { in: this.#input, trigger: each.trigger.id, sub, period, attempt, at: this.nowMs }
    const place = hasRegion && this.config.hasRegion && region !== null ? { region } : {}
    this.decisions.push({ ...head, ...rest, ...place })
  }

  #report(row: PlainReport): void {
    const found = this.#find(row)
    if (typeof found === 'string') {
      this.refused[found] = (this.refused[found] ?? 0) + 1
      if (row.kind === 'opted-out' || row.kind === 'complained') this.#enlist(row.sub, row.kind)
      return
    }
    const { each, isQuestion } = found
    const trigger = this.#triggerOf(each)
    if (row.kind === 'expired' && !isQuestion) {
      this.#expire(each, trigger, row)
      return
    }
    const by = row.id === undefined ? 'subscriber' : 'id'
    if (isQuestion && RECEIPTS.includes(row.kind)) {
      if (each.askedTold.has(row.kind)) this.repeats += 1
      else if (this.#isTelling(trigger)) this.#outcome(each, row.kind, row.time, by, null, true)
      each.askedTold.add(row.kind)
      return
    }
    if (by === 'id' && !isQuestion && each.state === 'out') each.state = 'reached'
    const isNew =
      row.kind === 'replied'
        ? this.#reply(each, trigger, row, by)
        : this.#take(each, trigger, row.kind, row.time, by, null)
    if (!isNew) this.repeats += 1
  }

  #triggerOf(each: Sent): PlainTrigger {
    if (each.trigger.id === THANKS.id) return THANKS
    return this.config.triggers.find(({ id }) => id === each.trigger.id)!
  }

  #isTelling({ replies, attributionHours, orderTag }: PlainTrigger): boolean {
    if (this.config.isTellingAll) return true
    return replies.length > 0 || attributionHours !== null || orderTag !== null
  }

  #find(row: PlainReport): { each: Sent; isQuestion: boolean } | string {
    const out = this.sent.filter(
      ({ sub, state, trigger }) =>
        sub === row.sub &&
        (state === 'out' || state === 'reached') &&
        (row.trigger ?? trigger.id) === trigger.id,
    )
    const meant = out.filter(({ trigger }) => (row.channel ?? trigger.channel) === trigger.channel)
    if (row.id !== undefined) {
      for (const each of meant) {
        if (each.isHeldOut) continue
        const isQuestion = each.asked !== null && row.id === idOf(each, `confirm.${each.period}`)
        if (row.id !== idOf(each, each.period) && !isQuestion) continue
        const isLookedAt = !RECEIPTS.includes(row.kind) || this.#isTelling(this.#triggerOf(each))
        const isOff = row.time < each.dueMs - SKEW_MS || row.time > this.nowMs + SKEW_MS
        return isLookedAt && isOff ? 'bad-time' : { each, isQuestion }
      }
      return 'unknown-delivery'
    }
    if (row.time > this.nowMs + SKEW_MS) return 'bad-time'
    const [newest] = meant
      .filter((each) => {
        if (each.isHeldOut && row.kind !== 'ordered') return false
        const hours = this.#triggerOf(each).attributionHours ?? 168
        return each.dueMs <= row.time && row.time < each.dueMs + hours * HOUR_MS
      })
      .sort((a, b) => b.dueMs - a.dueMs || b.order - a.order)
    return newest === undefined ? 'unattributed' : { each: newest, isQuestion: false }
  }

  #expire(each: Sent, trigger: PlainTrigger, row: PlainReport): void {
    if (each.state !== 'out') {
      this.refused['unknown-delivery'] = (this.refused['unknown-delivery'] ?? 0) + 1
      return
    }
    each.told.add('expired')
    if (this.#isTelling(trigger)) this.#outcome(each, 'expired', row.time, 'id', null, false)
    each.ever.add('expired')
    if (trigger.onExpired === 'drop' || each.attempt >= trigger.attempts) {
      this.#suppress(each, trigger.onExpired === 'drop' ? 'expired' : 'attempts-exhausted')
      return
    }
    each.trigger = trigger
    each.attempt += 1
    each.order = ++this.#orders
    each.isCanary = this.#person(each.sub).lists.has('canary')
    each.told = new Set()
    each.asked = null
    each.askedTold = new Set()
    const reason = this.#refusalOf(trigger, each.sub, true)
    if (reason === null) this.#emit(each)
    else this.#suppress(each, reason)
  }

  #reply(each: Sent, trigger: PlainTrigger, row: PlainReport, by: string): boolean {
    const said = plain(row.text ?? row.word)
    const { asked } = each
    const order = trigger.replies.find(({ word }) => word === asked?.word)
    const isOpen = asked !== null && row.time < asked.untilMs
    const isConfirmed = isOpen && said !== null && plain(order?.confirm?.word) === said
    const meant: PlainReply | undefined = isConfirmed
      ? order
      : trigger.replies.find(({ word }) => plain(word) === said)
    let isNew = this.#take(each, trigger, 'replied', row.time, by, meant?.word ?? null)
    if (meant === undefined || meant.means === 'response') return isNew
    if (meant.confirm !== null && !isConfirmed) {
      if (each.asked === null && !this.#person(each.sub).lists.has('black')) {
        each.asked = {
          word: meant.word,
          untilMs: this.nowMs + meant.confirm.hours * HOUR_MS,
        }
        const id = idOf(each, `confirm.${each.period}`)
        const canary = each.isCanary ? { canary: true } : {}
        const { channel } = each.trigger
        this.#say(each, { kind: 'delivery', id, channel, ...canary, purpose: 'confirm' }, true)
        isNew = true
      }
      return isNew
    }
    const what = meant.means === 'order' ? 'ordered' : 'opted-out'
    return this.#take(each, trigger, what, row.time, 'reply', meant.word) || isNew
  }

  #take(
    each: Sent,
    trigger: PlainTrigger,
    what: string,
    time: number,
    by: string,
    word: string | null,
  ): boolean {
    if (each.told.has(what)) return false
    each.told.add(what)
    if (!RECEIPTS.includes(what) || this.#isTelling(trigger)) {
      this.#outcome(each, what, time, by, word, false)
    }
    each.ever.add(what)
    if (what === 'ordered' && trigger.orderTag !== null) {
      const { tags } = this.#person(each.sub)
      const hadBought = tags.has('bought')
      tags.add(trigger.orderTag)
      if (!hadBought && tags.has('bought')) this.#thank(each.sub)
    }
    this.#enlist(each.sub, what)
    return true
  }

  #enlist(sub: number, what: string): void {
    const list = what === 'opted-out' ? 'optOut' : what === 'complained' ? 'sensitive' : null
    if (list !== null) this.#person(sub).lists.add(list)
  }

  #outcome(
    each: Sent,
    what: string,
    time: number,
    by: string,
    word: string | null,
    isQuestion: boolean,
  ): void {
    const period = isQuestion ? `confirm.${each.period}` : each.period
    const told = {
      ...{ kind: 'outcome', id: idOf(each, period), channel: each.trigger.channel, what, time, by },
      ...(word === null ? {} : { word }),
      ...(isQuestion || each.ever.has(what) ? {} : { first: true }),
      ...(each.isHeldOut ? { arm: 'control' } : {}),
      ...(each.isCanary ? { canary: true } : {}),
      ...(isQuestion ? { purpose: 'confirm' } : {}),
    }
    this.#say(each, told, true)
  }

  #erase(sub: number): void {
    if (!this.#people.delete(sub)) return
    this.#erased.set(sub, (this.#erased.get(sub) ?? 0) + 1)
    for (const each of this.sent) if (each.sub === sub) each.state = 'gone'
  }
}
