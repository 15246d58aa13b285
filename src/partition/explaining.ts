/**
 * Why, why not, why not yet: what was last decided about a trigger and a subscriber, and every
 * check that stands before a delivery, in the order in which deciding makes them, with what it sees
 * now. Read between two inputs; changes nothing.
 */

import { controlPoint } from '../decision/control-group.ts'
import { isOpenAt } from '../decision/contact-window.ts'
import { renderValue, textFor } from '../decision/message.ts'
import { findRefusingList } from '../decision/eligibility.ts'
import { planDelivery, subscriberShare } from '../decision/schedule.ts'
import type { ExplainCheck, ExplainStep, Explanation } from '../model/explanation.ts'
import { type Expression, type ListName, walkExpression } from '../model/expression.ts'
import { tagInConditions } from '../model/segment.ts'
import { percentOf } from '../rules/control-groups.ts'
import { clausesOf, printCounter, printExpression } from '../rules/print.ts'
import { META_ZONE_MASK, nameOf } from '../state/layout.ts'
import { formatPeriod } from '../state/periods.ts'
import { Contacts } from './arbitrating.ts'
import type { CompiledTrigger } from './compile.ts'
import { SlotReader } from './composing.ts'
import type { PartitionCore } from './core.ts'
import { conclude, findDecision } from './explained-decision.ts'
import { fieldText } from './inspect.ts'
import { viewOfMemberships } from './journey-views.ts'
import { Latches } from './latches.ts'
import { type NumberedRow, Reservations } from './reservations.ts'
import { SubscriberReader } from './subscriber-reader.ts'

/** Null: no such subscriber, or no such trigger in force. */
export function explain(
  core: PartitionCore,
  subscriber: number,
  triggerId: string,
): Explanation | null {
  const slot = core.index.find(subscriber)
  const trigger = core.compiled.triggerById(triggerId)
  return slot === -1 || trigger === undefined ? null : new Explainer(core, slot, trigger).answer()
}

class Explainer {
  readonly #core: PartitionCore
  readonly #slot: number
  readonly #trigger: CompiledTrigger
  readonly #keys: Int32Array
  readonly #reader: SubscriberReader
  readonly #reservations: Reservations
  readonly #checks: ExplainCheck[] = []

  constructor(core: PartitionCore, slot: number, trigger: CompiledTrigger) {
    this.#core = core
    this.#slot = slot
    this.#trigger = trigger
    this.#keys = Int32Array.from(core.periodKeys(slot, core.clockMs))
    this.#reader = new SubscriberReader(core)
    this.#reservations = new Reservations(core)
  }

  answer(): Explanation {
    const core = this.#core
    const decision = findDecision(core, this.#slot, this.#trigger.spec.id)
    this.#check()
    const stop = this.#checks.find(({ verdict }) => verdict !== 'passes')
    const { answer, summary } = conclude(decision, stop ?? null)
    return {
      subscriber: core.subscriberOf(this.#slot),
      trigger: this.#trigger.spec.id,
      partition: core.genesis.partition,
      clockMs: core.clockMs,
      generation: core.generation,
      answer,
      summary,
      decision,
      checks: this.#checks,
    }
  }

  #check(): void {
    const { spec } = this.#trigger
    this.#checkCondition()
    this.#checkLatches()
    this.#checkJourney()
    this.#checkLists()
    if (spec.audience !== null) {
      const verdict = this.#isWhite() || this.#holds(spec.audience) ? 'passes' : 'stops'
      this.#note('audience', verdict, this.#print(spec.audience), this.#leaves(spec.audience))
    }
    this.#checkValidity()
    this.#checkControl()
    const dueMs = this.#checkSchedule()
    if (dueMs !== null) this.#checkPlace(dueMs)
    if (spec.cancelWhen !== null) {
      const verdict = this.#holds(spec.cancelWhen) ? 'stops' : 'passes'
      const values = this.#leaves(spec.cancelWhen)
      this.#note('cancel', verdict, `cancelled when ${this.#print(spec.cancelWhen)}`, values)
    }
    this.#checkMessage()
    this.#checkCapacity()
  }

  /** With the values that it would have now; what waits is asked again when it goes out. */
  #checkMessage(): void {
    const { message } = this.#trigger.spec
    const { languageField } = message
    const reader = new SlotReader(this.#core)
    reader.turnTo(this.#slot)
    const { language, parts } = textFor(message, reader)
    const places = parts.filter((part) => typeof part !== 'string')
    if (languageField === null && places.length === 0) return
    const values: Record<string, string | null> = {}
    if (languageField !== null) values.language = language
    for (const place of places) values[place.name] = renderValue(place, reader)
    const isWhole = places.every((place) => renderValue(place, reader) !== null)
    this.#note('message', isWhole ? 'passes' : 'stops', 'its message has all its values', values)
  }

  /** As far as this partition knows: the others may still have room that it can be granted. */
  #checkCapacity(): void {
    const { channel } = this.#trigger.spec
    const seen = this.#core.capacity.view().find((each) => each.channel === channel)
    if (seen === undefined) return
    const values: Record<string, number> = { waiting: seen.waiting }
    for (const { period, used, held, limit } of seen.periods) {
      values[`${period} used`] = used
      values[`${period} granted here`] = held
      values[`${period} limit`] = limit!
    }
    const isFull = seen.periods.some(({ used, held }) => used >= held)
    const verdict = isFull && !this.#isCanary() ? 'waits' : 'passes'
    this.#note('capacity', verdict, `room on channel ${channel}`, values)
  }

  #checkCondition(): void {
    for (const clause of clausesOf(this.#trigger.spec.when)) {
      const verdict = this.#holds(clause) ? 'passes' : 'waits'
      this.#note('condition', verdict, this.#print(clause), this.#leaves(clause))
    }
  }

  #checkLatches(): void {
    // The latch of a step is that of entering, which says nothing against the step.
    if (this.#trigger.spec.journey !== undefined) return
    const { spec, latch } = this.#trigger
    const period = formatPeriod(spec.once, latch.unit === -1 ? 0 : this.#keys[latch.unit]!)
    const latches = new Latches(this.#core)
    const isOpen = latches.isOpen(this.#trigger, this.#slot, this.#keys)
    const text = spec.once === 'ever' ? 'once ever' : `once per ${spec.once}`
    this.#note('latch', isOpen ? 'passes' : 'stops', text, { period, fired: !isOpen })
    if (spec.oncePerTag === null) return
    const version = latches.taggingOf(this.#trigger, this.#slot)
    const firedFor = latches.firedFor(this.#trigger, this.#slot)
    const verdict = firedFor !== 0 && firedFor === version ? 'stops' : 'passes'
    const values = { version, firedFor: firedFor === 0 ? null : firedFor }
    this.#note('tagging', verdict, `once per version of ${spec.oncePerTag}`, values)
  }

  /** Steps are fired by their journey: when the subscriber stands there, and it is due. */
  #checkJourney(): void {
    const { journey } = this.#trigger.spec
    if (journey === undefined) return
    const found = viewOfMemberships(this.#core, this.#slot).find(
      (each) => each.journey === journey.journey,
    )
    if (found === undefined) {
      this.#note('journey', 'waits', `is not in journey ${journey.journey}`, { inside: false })
      return
    }
    const { step, dueMs, period } = found
    const isHere = step === journey.step
    const values = { inside: true, step, due: instantText(dueMs), entered: period }
    const { steps } = this.#core.compiled.journeyById(journey.journey)!.spec
    const positionOf = (name: string | null) => steps.findIndex((each) => each.name === name)
    const isPast = step === null || positionOf(step) > positionOf(journey.step)
    const place = step === null ? 'stands behind the last step' : `waits for step ${step}`
    const text = isHere ? `waits for this step` : isPast ? `has it behind: ${place}` : place
    this.#note('journey', isPast ? 'stops' : 'waits', text, values)
  }

  #checkLists(): void {
    const core = this.#core
    const { classSpec } = this.#trigger.policy
    const { refusingLists, name } = classSpec
    const isListed = (list: ListName): boolean => core.isListed(this.#slot, list)
    const asked = ['black', ...refusingLists.filter((list) => list !== 'black')] as const
    const shown = [...asked, 'white', 'canary'] as const
    const values = Object.fromEntries(shown.map((list) => [list, isListed(list)]))
    const verdict = findRefusingList(classSpec, isListed) === null ? 'passes' : 'stops'
    this.#note('lists', verdict, `class ${name} is refused by ${asked.join(', ')}`, values)
  }

  #checkValidity(): void {
    const { validFromMs, validToMs } = this.#trigger.spec
    if (validFromMs === null && validToMs === null) return
    const { clockMs } = this.#core
    const isEarly = validFromMs !== null && clockMs < validFromMs
    const isLate = validToMs !== null && clockMs >= validToMs
    const verdict = isLate ? 'stops' : isEarly ? 'waits' : 'passes'
    this.#note('validity', verdict, 'the time in which it is in force', {
      from: validFromMs === null ? null : new Date(validFromMs).toISOString(),
      to: validToMs === null ? null : new Date(validToMs).toISOString(),
    })
  }

  #checkControl(): void {
    if (this.#isCanary()) return
    const subscriber = this.#core.subscriberOf(this.#slot)
    for (const { spec } of this.#trigger.policy.controls) {
      const point = controlPoint(spec.experiment, subscriber)
      const isHeldOut = point < spec.share
      const text = `${percentOf(spec.share)} are held out of ${spec.experiment}`
      const values = { point: Number(point.toFixed(6)), share: spec.share, heldOut: isHeldOut }
      // Whoever is held out goes on through all checks, and ends as a holdout.
      this.#note('control-group', 'passes', text, values)
      if (isHeldOut) return
    }
  }

  /** The instant for which it would be planned; null where the window says drop. */
  #checkSchedule(): number | null {
    const core = this.#core
    const { spec } = this.#trigger
    const { clockMs } = core
    const clock = core.clockOf(this.#slot)
    const share = subscriberShare(core.subscriberOf(this.#slot))
    const plan = planDelivery(spec, clock, clock.dayAt(clockMs), clockMs, share)
    const { contactWindow } = spec
    const values = {
      zone: core.layout.zones[core.meta(this.#slot) & META_ZONE_MASK]!,
      open: contactWindow === null || isOpenAt(contactWindow, clock, clockMs),
      due: instantText(plan?.dueMs ?? null),
      expires: instantText(plan?.expiresAtMs ?? null),
    }
    const isNever = plan === null || plan.dueMs >= plan.expiresAtMs
    const verdict = isNever ? 'stops' : 'passes'
    this.#note('schedule', verdict, 'when it would be sent, if it fired now', values)
    return plan === null || !Number.isFinite(plan.dueMs) ? null : plan.dueMs
  }

  /** Caps and contact, for a delivery that would be due then. */
  #checkPlace(dueMs: number): void {
    const core = this.#core
    const slot = this.#slot
    const others = this.#reservations.liveRows(slot, -1)
    if (!this.#isCanary()) {
      const uses = this.#reservations.capUses(this.#trigger, slot, dueMs, others)
      for (const { check, used } of uses) {
        const values = { used, limit: check.cap.count }
        const verdict = used < check.cap.count ? 'passes' : 'stops'
        this.#note('caps', verdict, nameOf(core.layout, check.detail), values)
      }
    }
    this.#checkContact(dueMs, others)
  }

  #checkContact(dueMs: number, others: readonly NumberedRow[]): void {
    const core = this.#core
    const { arbitration } = core.compiled.policy
    const contacts = new Contacts(core, this.#reservations)
    const { spec } = this.#trigger
    if (arbitration === null || this.#isCanary() || spec.isIgnoringCaps) return
    const rivals = contacts.rivals(this.#slot, dueMs, others)
    const value = spec.value === null ? 0 : this.#reader.measure(spec.value, this.#slot, this.#keys)
    const candidate = {
      layer: spec.layer,
      priority: spec.priority,
      value,
      trigger: spec.id,
      id: Number.POSITIVE_INFINITY,
    }
    const hasPlace =
      rivals.length < arbitration.offersPerContact ||
      contacts.findVictim(candidate, rivals) !== null
    const verdict = hasPlace ? 'passes' : 'stops'
    const { layers, offersPerContact, contact } = arbitration
    const text = `the strongest ${offersPerContact} of one ${contact}`
    const names = rivals.map(({ row }) => core.layout.triggers[row.trigger]!.id)
    this.#note('arbitration', verdict, text, {
      layer: layers[spec.layer] ?? null,
      priority: spec.priority,
      value,
      rivals: names.join(', '),
    })
  }

  #note(
    step: ExplainStep,
    verdict: ExplainCheck['verdict'],
    text: string,
    values: ExplainCheck['values'],
  ): void {
    this.#checks.push({ step, verdict, text, values })
  }

  #holds(condition: Expression): boolean {
    return this.#reader.judge(condition, this.#slot, this.#keys)
  }

  /** Everything that the expression reads, by the name it has in conditions. */
  #leaves(expression: Expression): ExplainCheck['values'] {
    const reader = this.#reader
    const values: Record<string, number | boolean | string | null> = {}
    walkExpression(expression, (node) => {
      switch (node.kind) {
        case 'counter': {
          const value = reader.counterAt(node, this.#slot, this.#keys)
          values[printCounter(node)] = Number.isNaN(value) ? null : value
          return
        }
        case 'tag':
          values[tagInConditions(node.tag)] = this.#tag(node.tag)
          return
        case 'list':
          values[`lists.${node.list}`] = this.#core.isListed(this.#slot, node.list)
          return
        case 'field':
        case 'has':
          values[`fields.${node.field}`] = this.#field(node.field)
          return
        default:
          return
      }
    })
    return values
  }

  #tag(tag: string): number | boolean {
    const { tags } = this.#core.compiled.catalog
    const value = this.#core.tagValue(this.#slot, tag)
    return tags.find(({ name }) => name === tag)?.versioned ? value : value > 0
  }

  #field(field: string): number | string | boolean | null {
    const spec = this.#core.compiled.catalog.fields.find(({ name }) => name === field)
    return spec === undefined ? null : fieldText(this.#core, this.#slot, spec)
  }

  #isWhite(): boolean {
    return this.#core.isListed(this.#slot, 'white')
  }

  #isCanary(): boolean {
    return this.#core.isListed(this.#slot, 'canary')
  }

  #print(expression: Expression): string {
    return printExpression(expression, this.#core.compiled.catalog)
  }
}

function instantText(ms: number | null): string | null {
  return ms === null || !Number.isFinite(ms) ? null : new Date(ms).toISOString()
}
