/**
 * Journeys worked out naively: one object per member, no ledger, no heap, no latches of watches,
 * and no pass over anything. Written from the README, for tests beside the machine.
 */

import { type Call, type Member, type Pending, type Person, shapeOf, sorted } from './people.ts'
import { OFFSET_MS, type PlainFacts, type PlainJourney, type PlainStep, type Tag } from './plain.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const ASKED_EVERY_MS = 12 * HOUR_MS
const ASKED_UP_TO_MS = DAY_MS
/** Deliveries without a contact window live a day from when they were planned. */
const EXPIRES_MS = DAY_MS

/** All journeys of one partition. Times in ms; the zone is Shanghai. */
export class JourneyModel {
  clockMs: number
  /** Restarted members get new numbers as they lie in the ledger: ties may come out otherwise. */
  hasRestarted = false
  #journeys: readonly PlainJourney[]
  /** Journeys that came or moved their entering by a reload: only for who was below the line. */
  readonly #edges = new Set<string>()
  /** By journey and step: the trigger that stands there now. */
  #triggers = new Map<string, object>()
  readonly #people = new Map<number, Person>()
  readonly #following = new Map<string, string | null>()
  #calls: Call[] = []
  #nextId = 1
  #lines: string[] = []

  constructor(startMs: number, journeys: readonly PlainJourney[]) {
    this.clockMs = startMs
    this.#journeys = sorted(journeys)
    this.#renewTriggers()
  }

  tick(timeMs: number): string[] {
    this.clockMs = Math.max(this.clockMs, timeMs)
    this.#fireDue()
    return this.#take()
  }

  usage(subscriber: number, bytes: number): string[] {
    this.#fireDue()
    const person = this.#person(subscriber)
    this.#change(
      person,
      ({ readsUsage }) => readsUsage,
      () => {
        for (const period of [this.#day(), this.#month()]) {
          person.sums.set(period, (person.sums.get(period) ?? 0) + bytes)
        }
      },
    )
    return this.#take()
  }

  profile(
    subscriber: number,
    tags: ReadonlyMap<Tag, boolean>,
    optOut: boolean | undefined,
  ): string[] {
    this.#fireDue()
    const person = this.#person(subscriber)
    this.#changeTags(person, tags)
    if (optOut !== undefined) person.isOptedOut = optOut
    this.#settle()
    return this.#take()
  }

  /** In any order: the machine finds members as they lie. */
  reload(journeys: readonly PlainJourney[]): string[] {
    this.#fireDue()
    const before = this.#journeys
    this.#journeys = sorted(journeys)
    this.#renewTriggers()
    for (const journey of this.#journeys) {
      const old = before.find(({ id }) => id === journey.id)
      const isMoved =
        old === undefined || old.enter.text !== journey.enter.text || old.once !== journey.once
      if (journey.isFiringExisting) this.#edges.delete(journey.id)
      else if (isMoved) this.#edges.add(journey.id)
    }
    for (const old of before) this.#noteFollowing(old)
    for (const person of this.#people.values()) {
      for (const member of [...person.members.values()]) this.#follow(person, member, before)
    }
    this.#settle()
    return this.#take()
  }

  memberCount(journey: string): number {
    return [...this.#people.values()].filter(({ members }) => members.has(journey)).length
  }

  #follow(person: Person, member: Member, before: readonly PlainJourney[]): void {
    const old = before.find(({ id }) => id === member.journey)
    const journey = this.#journeys.find(({ id }) => id === member.journey)
    if (journey === undefined) {
      const steps = old?.steps ?? []
      this.#end(person, member, 'left', 'removed', this.#standing(member, steps))
      return
    }
    if (old === undefined) throw new Error('a member of a journey that was not there')
    if (shapeOf(old) === shapeOf(journey)) return
    if (journey.onEdit === 'leave') this.#end(person, member, 'left', 'edited')
    else if (journey.onEdit === 'restart') {
      member.id = this.#nextId++
      this.hasRestarted = true
      this.#goTo(member, journey, 0, this.clockMs)
    }
  }

  /** What followed steps that go now; as long as they do not come back, members are there. */
  #noteFollowing({ id, steps }: PlainJourney): void {
    const names = new Set(
      this.#journeys.find((each) => each.id === id)?.steps.map(({ name }) => name),
    )
    // Who was in a journey that goes as a whole leaves where they stand.
    if (names.size === 0) return
    for (const [at, { name }] of steps.entries()) {
      if (names.has(name)) continue
      const next = steps.slice(at + 1).find((each) => names.has(each.name))
      this.#following.set(`${id} ${name}`, next?.name ?? null)
    }
  }

  #standing({ journey, step }: Member, steps = this.#stepsOf(journey)): string | null {
    let standing = step
    while (standing !== null && !steps.some(({ name }) => name === standing)) {
      standing = this.#following.get(`${journey} ${standing}`) ?? null
    }
    return standing
  }

  #stepsOf(journey: string): readonly PlainStep[] {
    return this.#journeys.find(({ id }) => id === journey)?.steps ?? []
  }

  #person(subscriber: number): Person {
    let person = this.#people.get(subscriber)
    if (person === undefined) {
      const none = {
        tags: new Set<Tag>(),
        isOptedOut: false,
        sums: new Map(),
        fired: new Set<string>(),
      }
      person = { subscriber, ...none, members: new Map(), pending: [] }
      this.#people.set(subscriber, person)
    }
    return person
  }

  #changeTags(person: Person, tags: ReadonlyMap<Tag, boolean>): void {
    const isRead = ({ tags: read }: { tags: readonly Tag[] }) => read.some((tag) => tags.has(tag))
    this.#change(person, isRead, () => {
      for (const [tag, isSet] of tags) {
        if (isSet) person.tags.add(tag)
        else person.tags.delete(tag)
      }
    })
  }

  /** Makes a change and notes what it makes true, journey by journey. */
  #change(
    person: Person,
    isTouched: (condition: PlainJourney['enter']) => boolean,
    change: () => void,
  ): void {
    const before = this.#facts(person)
    const wasTrue = new Set(
      this.#journeys.filter(({ enter }) => enter.holds(before)).map(({ id }) => id),
    )
    change()
    const facts = this.#facts(person)
    for (const { id, enter, once, goal, exit } of this.#journeys) {
      const period = once === 'ever' ? 'ever' : once === 'day' ? this.#day() : this.#month()
      const key = `${id} ${once} ${period}`
      const isEdge = this.#edges.has(id) && wasTrue.has(id)
      if (isTouched(enter) && enter.holds(facts) && !isEdge && !person.fired.has(key)) {
        person.fired.add(key)
        const isThere = goal?.holds(facts) || exit?.holds(facts)
        if (!isThere) this.#calls.push({ what: 'enter', person, journey: id, period, id: 0 })
      }
      for (const [what, ending] of [
        ['goal', goal],
        ['exit', exit],
      ] as const) {
        if (ending === null || !isTouched(ending) || !ending.holds(facts)) continue
        this.#calls.push({ what, person, journey: id, id: 0 })
      }
    }
  }

  #facts(person: Person): PlainFacts {
    const { tags, sums } = person
    return { tags, day: sums.get(this.#day()) ?? 0, month: sums.get(this.#month()) ?? 0 }
  }

  #day(): string {
    return new Date(this.clockMs + OFFSET_MS).toISOString().slice(0, 10)
  }

  #month(): string {
    return this.#day().slice(0, 7)
  }

  #settle(): void {
    while (this.#calls.length > 0) {
      const calls = this.#calls
      this.#calls = []
      for (const call of calls) call.id = this.#nextId++
      for (const call of calls) {
        const { person } = call
        if (call.what === 'step') {
          this.#decide(person, call.member, call.step, call.id)
          continue
        }
        const member = person.members.get(call.journey)
        if (call.what === 'enter') {
          if (member === undefined) this.#enter(person, call.journey, call.period, call.id)
        } else if (member !== undefined) this.#end(person, member, call.what)
      }
    }
  }

  /** By due time, members before deliveries, then as they came. */
  #fireDue(): void {
    for (;;) {
      let first: { dueMs: number; rank: number; id: number; fire: () => void } | null = null
      const offer = (dueMs: number, rank: number, id: number, fire: () => void): void => {
        if (dueMs > this.clockMs) return
        const isBefore =
          first === null ||
          dueMs < first.dueMs ||
          (dueMs === first.dueMs && (rank < first.rank || (rank === first.rank && id < first.id)))
        if (isBefore) first = { dueMs, rank, id, fire }
      }
      for (const person of this.#people.values()) {
        for (const member of person.members.values()) {
          offer(member.dueMs, 0, member.id, () => this.#reach(person, member))
        }
        for (const each of person.pending)
          offer(each.dueMs, 1, each.id, () => this.#send(person, each))
      }
      if (first === null) return
      ;(first as { fire: () => void }).fire()
      this.#settle()
    }
  }

  #enter(person: Person, id: string, period: string, call: number): void {
    const journey = this.#journeys.find((each) => each.id === id)!
    const member: Member = {
      ...{ journey: id, period, id: call, step: null, dueMs: 0, firstDueMs: 0 },
      done: new Set(),
    }
    person.members.set(id, member)
    this.#lines.push(`${id} ${person.subscriber} ${period} entered`)
    this.#goTo(member, journey, 0, this.clockMs)
    if (member.dueMs <= this.clockMs) this.#reach(person, member)
  }

  #goTo(member: Member, { steps, stayMs }: PlainJourney, position: number, fromMs: number): void {
    const step = steps[position]
    member.step = step?.name ?? null
    member.dueMs = step === undefined ? fromMs + stayMs : step.wait.after(fromMs)
    member.firstDueMs = member.dueMs
  }

  #reach(person: Person, member: Member): void {
    const journey = this.#journeys.find(({ id }) => id === member.journey)!
    const facts = this.#facts(person)
    for (const what of ['goal', 'exit'] as const) {
      if (!journey[what]?.holds(facts)) continue
      this.#end(person, member, what)
      return
    }
    const standing = this.#standing(member)
    const position = journey.steps.findIndex(({ name }) => name === standing)
    const step = journey.steps[position]
    if (step === undefined) {
      this.#end(person, member, 'completed')
      return
    }
    if (step.when !== null && !step.when.holds(facts)) {
      if (step.otherwise === 'leave') {
        this.#end(person, member, 'left', 'condition')
        return
      }
      const againMs = member.dueMs + ASKED_EVERY_MS
      if (step.otherwise === 'wait' && againMs <= member.firstDueMs + ASKED_UP_TO_MS) {
        member.dueMs = againMs
        return
      }
    } else if (step.content !== null && !member.done.has(step.name)) {
      member.done.add(step.name)
      this.#calls.push({ what: 'step', person, member, step, id: 0 })
    }
    this.#goTo(member, journey, position + 1, member.dueMs)
  }

  #decide(person: Person, member: Member, step: PlainStep, id: number): void {
    const { journey, period } = member
    const name = `${journey}--${step.name} ${person.subscriber} ${period}`
    const reason = this.#refusal(person, journey)
    if (reason !== null) {
      this.#lines.push(`${name} ${reason}`)
    } else if (step.content === 'later') {
      const trigger = this.#triggers.get(`${journey} ${step.name}`)!
      const dueMs = this.clockMs + 5 * HOUR_MS
      person.pending.push({ step: step.name, journey, period, id, dueMs, trigger })
    } else {
      this.#lines.push(`${name} sent`)
      if (step.content !== 'now') this.#changeTags(person, new Map([[step.content as Tag, true]]))
    }
  }

  #refusal(person: Person, journey: string): string | null {
    if (person.isOptedOut) return 'opted-out'
    const facts = this.#facts(person)
    const { goal, exit } = this.#journeys.find(({ id }) => id === journey)!
    return goal?.holds(facts) || exit?.holds(facts) ? 'journey-left' : null
  }

  /** A pending delivery is due. */
  #send(person: Person, pending: Pending): void {
    person.pending = person.pending.filter((each) => each !== pending)
    const { journey, step, period, dueMs, trigger } = pending
    const isGone = this.#triggers.get(`${journey} ${step}`) !== trigger
    const isExpired = this.clockMs >= dueMs + EXPIRES_MS
    const reason = isGone
      ? 'trigger-removed'
      : (this.#refusal(person, journey) ?? (isExpired ? 'expired' : null))
    const step2 = this.#journeys
      .find(({ id }) => id === journey)
      ?.steps.find(({ name }) => name === step)
    this.#lines.push(`${journey}--${step} ${person.subscriber} ${period} ${reason ?? 'sent'}`)
    const content = step2?.content
    if (reason !== null || content === 'now' || content === 'later') return
    this.#changeTags(person, new Map([[content as Tag, true]]))
  }

  #end(
    person: Person,
    member: Member,
    what: string,
    why?: string,
    step = this.#standing(member),
  ): void {
    const { journey, period } = member
    person.members.delete(journey)
    const place = step === null ? '' : ` at ${step}`
    const cause = why === undefined ? '' : `: ${why}`
    this.#lines.push(`${journey} ${person.subscriber} ${period} ${what}${place}${cause}`)
    if (what === 'completed') return
    for (const each of person.pending) {
      const isTaken = this.#isTakenBack(each, member)
      if (isTaken)
        this.#lines.push(`${journey}--${each.step} ${person.subscriber} ${period} journey-left`)
    }
    person.pending = person.pending.filter((each) => !this.#isTakenBack(each, member))
  }

  /** What a removed step has pending is told when it would be due. */
  #isTakenBack({ journey, step, period, trigger }: Pending, member: Member): boolean {
    const isThere = this.#triggers.get(`${journey} ${step}`) === trigger
    return isThere && journey === member.journey && period === member.period
  }

  #renewTriggers(): void {
    const before = this.#triggers
    this.#triggers = new Map()
    for (const { id, steps } of this.#journeys) {
      for (const { name, content } of steps) {
        if (content === null) continue
        const key = `${id} ${name}`
        this.#triggers.set(key, before.get(key) ?? {})
      }
    }
  }

  #take(): string[] {
    this.#settle()
    const lines = this.#lines
    this.#lines = []
    return lines
  }
}
