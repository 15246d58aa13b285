/**
 * What must hold of an answer whatever the model says: no cap exceeded, nothing outside a window or
 * to somebody on the black list, no contact with too many offers, no negative without a reason,
 * every candidate in exactly one place. All counted by brute force over the decisions.
 */

import { closingMs, isOpen, jointWindow, periodNumber } from './calendar.ts'
import type { PlainCap, PolicyCase, PolicyDecision } from './plain.ts'
import { capText, classOf, type Standing, slidingMs, standingOf } from './rows.ts'
import { type Moment, type PersonAt, timelineOf } from './timeline.ts'

/** A delivery, or what would have been one, with all that bears on it. */
interface Sent {
  readonly decision: PolicyDecision
  readonly moment: Moment
  readonly person: PersonAt
  readonly standing: Standing
  readonly atMs: number
  /** What a gateway said of it first, if anything. */
  report: 'sent' | 'expired' | null
}

/** Counts of an answer that no decision shows. */
export interface AnswerCounts {
  readonly candidates: number
  readonly pending: number
  /** Deliveries that waited when their subscriber was erased. */
  readonly erased: number
}

/** Sentences on what is wrong; empty: nothing. */
export function brokenRules(
  policyCase: PolicyCase,
  decisions: readonly PolicyDecision[],
  counts: AnswerCounts,
): string[] {
  const timeline = timelineOf(policyCase)
  const broken: string[] = []
  const sent: Sent[] = []
  const ids = new Set<string>()
  let reported = 0
  let next = 0
  for (const { sequence, kind } of policyCase.inputs) {
    if (kind === 'feedback') reported += takeReports(timeline.get(sequence)!, sent)
    for (; decisions[next]?.inputSequence === sequence; next++) {
      const decision = decisions[next]!
      const moment = timeline.get(sequence)!
      const say = (text: string): void => {
        const { trigger, subscriber, period, attempt } = decision
        broken.push(`input ${sequence}, ${trigger} ${subscriber} ${period}/${attempt}: ${text}`)
      }
      if (decision.kind === 'suppressed') {
        checkSuppression(decision, say)
        continue
      }
      if (ids.has(decision.id!)) say('its id is used already')
      ids.add(decision.id!)
      const one = sentOf(decision, moment)
      const live = sent.filter(
        (each) =>
          each.report !== 'expired' &&
          each.decision.subscriber === decision.subscriber &&
          each.person.era === one.person.era,
      )
      checkMoment(one, say)
      checkCaps(one, live, say)
      checkContact(one, live, say)
      checkCapacity(policyCase.zone, one, sent, say)
      sent.push(one)
    }
  }
  if (next < decisions.length) broken.push(`decision ${next + 1} is out of the order of the inputs`)
  const begun = counts.candidates + reported
  const ended = decisions.length + counts.pending + counts.erased
  if (begun !== ended) {
    broken.push(
      `${counts.candidates} candidates and ${reported} reports of expiry came to ` +
        `${decisions.length} decisions, ${counts.pending} waiting, ${counts.erased} erased`,
    )
  }
  return broken
}

function sentOf(decision: PolicyDecision, moment: Moment): Sent {
  const trigger = moment.policy.triggers.find(({ id }) => id === decision.trigger)
  if (trigger === undefined) throw new Error(`sent for a trigger that is gone: ${decision.trigger}`)
  return {
    decision,
    moment,
    person: moment.personOf(decision.subscriber),
    standing: standingOf(moment.policy, trigger),
    atMs: moment.clockMs,
    report: null,
  }
}

/** Notes what gateways report; returns how many reports of expiry counted. */
function takeReports(moment: Moment, sent: readonly Sent[]): number {
  const { input } = moment
  if (input.kind !== 'feedback') return 0
  let count = 0
  for (const { deliveryId, kind } of input.rows) {
    const found = sent.find(({ decision }) => decision.id === deliveryId)
    if (found === undefined || found.decision.kind === 'holdout' || found.report !== null) continue
    if (found.person.era !== moment.personOf(found.decision.subscriber).era) continue
    found.report = kind === 'expired' ? 'expired' : 'sent'
    if (kind === 'expired') count++
  }
  return count
}

function checkSuppression(
  { reason, winner, detail }: PolicyDecision,
  say: (text: string) => void,
): void {
  if (reason === undefined || reason === '') say('suppressed without a reason')
  if (reason === 'outranked' && winner === undefined) say('outranked by nobody')
  if (reason?.startsWith('cap-') && reason !== 'cap-trigger' && detail === undefined) {
    say(`${reason} without its cap`)
  }
}

/** The window, the lists and the validity at the instant of sending. */
function checkMoment({ decision, moment, person, atMs }: Sent, say: (text: string) => void): void {
  const { policy } = moment
  const trigger = policy.triggers.find(({ id }) => id === decision.trigger)!
  const window = jointWindow(policy, trigger)
  const { notBeforeMs, notAfterMs } = decision
  if (notBeforeMs !== atMs) say('not sent on the clock')
  if (notAfterMs! <= atMs) say('sent after its expiry')
  if (window !== null && !isOpen(window, person.zone, atMs)) say('sent outside its window')
  else if (window !== null && notAfterMs! > closingMs(window, person.zone, atMs)) {
    say('may be sent after the window has closed')
  }
  const { refusedBy } = classOf(policy, trigger.class)
  if (person.lists.has('black')) say('sent to somebody on the list black')
  if (person.lists.has('optOut') && refusedBy.includes('optOut')) say('sent after an opt-out')
  if (trigger.validFromMs !== null && atMs < trigger.validFromMs) say('sent before its validity')
  if (trigger.validToMs !== null && atMs >= trigger.validToMs) say('sent after its validity')
}

/** Every cap that bears on it, with this one counted. */
function checkCaps(one: Sent, sent: readonly Sent[], say: (text: string) => void): void {
  const { decision, moment, person, standing } = one
  const { policy } = moment
  const live = sent.filter((each) => each.decision.canary !== true)
  if (person.lists.has('canary') || decision.canary === true) return
  const trigger = policy.triggers.find(({ id }) => id === decision.trigger)!
  const check = (scope: string, caps: readonly PlainCap[], rows: readonly Sent[]): void => {
    for (const cap of caps) {
      const count = countWith(cap, one, rows)
      if (count > cap.count) say(`${scope}: ${count} where ${capText(cap)} is allowed`)
    }
  }
  check(
    'trigger',
    trigger.caps,
    live.filter((each) => each.decision.trigger === trigger.id),
  )
  if (person.lists.has('white') || standing.isIgnoringCaps) return
  const counted = live.filter((each) => each.standing.isCounted)
  const channel = policy.channels.find(({ name }) => name === standing.channel)
  check(
    'channel',
    channel?.caps ?? [],
    counted.filter((each) => each.standing.channel === standing.channel),
  )
  const ofClass = classOf(policy, trigger.class)
  const inClass = live.filter((each) => each.standing.class === ofClass.name)
  check('class', ofClass.caps, inClass)
  if (person.lists.has('sensitive')) check('sensitive', ofClass.sensitiveCaps, inClass)
  check('all', policy.caps, counted)
}

/** How many there are in the fullest stretch of the cap around `one`. */
function countWith({ per }: PlainCap, one: Sent, rows: readonly Sent[]): number {
  if (typeof per !== 'object') {
    const period = periodNumber(per, one.atMs, one.person)
    return 1 + rows.filter((row) => periodNumber(per, row.atMs, row.person) === period).length
  }
  const lengthMs = slidingMs(per)
  const times = [...rows.map(({ atMs }) => atMs), one.atMs]
  const counts = times
    .filter((beginMs) => one.atMs >= beginMs && one.atMs < beginMs + lengthMs)
    .map((beginMs) => times.filter((time) => time >= beginMs && time < beginMs + lengthMs).length)
  return Math.max(...counts)
}

/** No more on its channel, in an hour or day of the default zone, than that carries. */
function checkCapacity(
  zone: string,
  { decision, moment, standing, atMs }: Sent,
  sent: readonly Sent[],
  say: (text: string) => void,
): void {
  const { channel } = standing
  const capacity = moment.policy.channels.find(({ name }) => name === channel)?.capacity
  if (decision.kind !== 'delivery' || decision.canary === true || !capacity) return
  const calendar = { zone, cycleDay: 1 }
  const before = sent.filter(
    (each) => each.decision.kind === 'delivery' && each.standing.channel === channel,
  )
  for (const [unit, limit] of [
    ['hour', capacity.perHour],
    ['day', capacity.perDay],
  ] as const) {
    const period = periodNumber(unit, atMs, calendar)
    const count = before.filter((each) => periodNumber(unit, each.atMs, calendar) === period).length
    if (limit !== null && count >= limit) say(`${count + 1} in one ${unit} on ${channel}`)
  }
}

/** No more offers in one contact than allowed. */
function checkContact(one: Sent, live: readonly Sent[], say: (text: string) => void): void {
  const { arbitration } = one.moment.policy
  if (arbitration === null || !isCompeting(one)) return
  const contactOf = ({ atMs, person }: Sent) => periodNumber(arbitration.contact, atMs, person)
  const others = live.filter((each) => isCompeting(each) && contactOf(each) === contactOf(one))
  if (others.length < arbitration.offersPerContact) return
  say(`${others.length + 1} offers in one ${arbitration.contact}`)
}

function isCompeting({ standing, decision }: Sent): boolean {
  return !standing.isIgnoringCaps && decision.canary !== true
}
