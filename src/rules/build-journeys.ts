/**
 * Journeys from their readings: conditions compiled, and each step that delivers something turned
 * into a trigger of its own, `<journey>--<step>`, so that it goes the way of all deliveries.
 */

import type { TriggerSpec } from '../model/catalog.ts'
import type { Expression } from '../model/expression.ts'
import { type JourneySpec, type StepSpec, stepTriggerId } from '../model/journey.ts'
import { compileAt } from './build-counters.ts'
import { refuseInbound } from './build-offer.ts'
import { buildContact, HOURLY_LATENESS_MAX_MS, readValidity } from './build-trigger.ts'
import { canonicalJson } from './identity.ts'
import { JOURNEYS_MAX, type JourneyReading, type StepReading } from './journey-grammar.ts'
import type { Located } from './shape.ts'
import type { TriggerContext } from './trigger-context.ts'
import { type TriggerReading, TRIGGERS_MAX } from './trigger-grammar.ts'
import type { YamlSource } from './yaml-source.ts'

/** How long the goal is waited for after the last step, where the journey does not say. */
export const STAY_DEFAULT_MS = 7 * 86_400_000

/** A journey's document with its file. */
export interface JourneyDocument {
  readonly source: YamlSource
  readonly reading: JourneyReading
}

/** Journeys, and the triggers of their steps. */
export interface BuiltJourneys {
  readonly journeys: readonly JourneySpec[]
  readonly triggers: readonly TriggerSpec[]
}

/** Builds all journeys; what is wrong with them is reported. `others`: the triggers beside them. */
export function buildJourneys(
  documents: readonly JourneyDocument[],
  others: readonly TriggerSpec[],
  context: Omit<TriggerContext, 'source'>,
): BuiltJourneys {
  const journeys: JourneySpec[] = []
  const triggers: TriggerSpec[] = []
  const fileOf = new Map(others.map(({ id, file }) => [id, file]))
  const seen = new Map<string, string>()
  for (const { source, reading } of documents.slice(0, JOURNEYS_MAX)) {
    const id = reading.values.journey
    const other = id === undefined ? undefined : seen.get(id.value)
    if (id !== undefined && other !== undefined) {
      source.report(id.node, 'duplicate', `the journey "${id.value}" is already given in ${other}`)
      continue
    }
    if (id !== undefined) seen.set(id.value, source.file)
    const builder = new JourneyBuilder(reading, { ...context, source }, fileOf)
    const journey = builder.build()
    if (journey === null) continue
    journeys.push(journey)
    triggers.push(...builder.triggers)
  }
  checkCounts(documents, others.length + triggers.length)
  return { journeys: Object.freeze(journeys), triggers }
}

function checkCounts(documents: readonly JourneyDocument[], triggerCount: number): void {
  const surplus = documents[JOURNEYS_MAX]
  if (surplus !== undefined) {
    const message = `${documents.length} journeys; at most ${JOURNEYS_MAX}`
    surplus.source.report(surplus.reading.node, 'too-many', message)
  }
  const last = documents.at(-1)
  if (last === undefined || triggerCount <= TRIGGERS_MAX) return
  const message = `${triggerCount} triggers and steps of journeys; at most ${TRIGGERS_MAX}`
  last.source.report(last.reading.node, 'too-many', message)
}

class JourneyBuilder {
  readonly triggers: TriggerSpec[] = []
  readonly #reading: JourneyReading
  readonly #context: TriggerContext
  readonly #fileOf: ReadonlyMap<string, string>

  constructor(
    reading: JourneyReading,
    context: TriggerContext,
    fileOf: ReadonlyMap<string, string>,
  ) {
    this.#reading = reading
    this.#context = context
    this.#fileOf = fileOf
  }

  /** Null when something is wrong with it (reported). */
  build(): JourneySpec | null {
    const { values } = this.#reading
    const { source, policy } = this.#context
    const countBefore = source.problems.length
    const id = values.journey?.value
    const enter = this.#condition(values.enter)
    const goal = this.#condition(values.goal)
    const exit = this.#condition(values.exit)
    const once = values.once ?? 'ever'
    this.#checkOnce(once)
    const controlGroup =
      values.controlGroup === undefined || id === undefined
        ? null
        : policy.experiments.add(values.controlGroup, id, source)
    const { validFromMs, validToMs } = readValidity(this.#reading, source)
    const part = { once, controlGroup, validFromMs, validToMs }
    const steps = this.#steps(id ?? '?', part)
    if (id === undefined || enter === null || source.problems.length > countBefore) return null
    const isLateFiring = values.late === 'fire'
    return Object.freeze({
      id,
      file: source.file,
      enter,
      once,
      isLateFiring,
      isFiringExisting: values.reload === 'fire-existing',
      goal,
      exit,
      onEdit: values.onEdit ?? 'continue',
      stayMs: values.stay ?? (goal === null ? 0 : STAY_DEFAULT_MS),
      controlGroup,
      validFromMs,
      validToMs,
      steps: Object.freeze(steps),
      identity: canonicalJson({ enter, once, late: isLateFiring }),
      shape: canonicalJson(
        steps.map(({ name, wait, when, otherwise }) => ({ name, wait, when, otherwise })),
      ),
    })
  }

  #condition(text: Located<string> | undefined): Expression | null {
    if (text === undefined) return null
    const { names, source } = this.#context
    const compiled = compileAt(text, 'when', names, source)
    if (compiled === null) return null
    const { expression, isReading } = compiled
    const isAlwaysTrue = expression.kind === 'bool' && expression.value
    if (isReading && !isAlwaysTrue) return expression
    const message = isReading
      ? 'the condition is always true'
      : 'the condition reads nothing of the subscriber'
    source.report(text.node, 'condition-constant', message, 'read a counter, tag, field or list')
    return null
  }

  #checkOnce(once: JourneySpec['once']): void {
    const { source, latenessMs } = this.#context
    if (once !== 'hour' || latenessMs <= HOURLY_LATENESS_MAX_MS) return
    const message = 'once: hour needs a lateness of at most 30h'
    const hint = 'set lateness: 30h, or once: day'
    source.report(this.#reading.at('once'), 'out-of-range', message, hint)
  }

  #steps(
    journey: string,
    part: Pick<JourneySpec, 'once' | 'controlGroup' | 'validFromMs' | 'validToMs'>,
  ): StepSpec[] {
    const { source } = this.#context
    const names = new Set<string>()
    const steps: StepSpec[] = []
    for (const { value: reading } of this.#reading.values.steps ?? []) {
      const name = reading.values.step
      if (name === undefined) continue
      if (names.has(name.value)) {
        source.report(name.node, 'duplicate', `the step "${name.value}" is given twice`)
      }
      names.add(name.value)
      const when = this.#condition(reading.values.when)
      this.#checkOtherwise(reading)
      const trigger = this.#trigger(journey, name, reading, when)
      if (trigger !== null) this.triggers.push(Object.freeze({ ...trigger, ...part }))
      const spec: StepSpec = {
        name: name.value,
        wait: reading.values.wait?.value ?? { kind: 'duration', lengthMs: 0 },
        when,
        otherwise: reading.values.otherwise?.value ?? { kind: 'skip' },
        trigger: trigger?.id ?? null,
      }
      steps.push(Object.freeze(spec))
    }
    return steps
  }

  #checkOtherwise(reading: StepReading): void {
    const isGiven = (key: 'when' | 'otherwise') => reading.at(key) !== reading.node
    if (!isGiven('otherwise') || isGiven('when')) return
    const message = '"otherwise" says what follows when a condition is false, and there is none'
    this.#context.source.report(reading.at('otherwise'), 'not-allowed', message, 'add "when"')
  }

  /** The trigger of a step; null: it delivers nothing, or something is wrong with it. */
  #trigger(
    journey: string,
    name: Located<string>,
    reading: StepReading,
    when: Expression | null,
  ): TriggerSpec | null {
    const { source } = this.#context
    if (!this.#isDelivering(reading)) return null
    const id = stepTriggerId(journey, name.value)
    const other = this.#fileOf.get(id)
    if (other !== undefined) {
      const message = `the trigger "${id}" is already given in ${other}`
      source.report(name.node, 'duplicate', message, 'name the step otherwise')
    }
    const { step: _, wait: __, when: ___, otherwise: ____, ...values } = reading.values
    const asTrigger: TriggerReading = {
      node: reading.node,
      values: { ...values, trigger: { value: id, node: name.node } },
      at: (key) => reading.at(key as Parameters<StepReading['at']>[0]),
    }
    const contact = buildContact(asTrigger, this.#context)
    if (contact === null) return null
    const channel = reading.values.deliver?.values.channel
    if (channel !== undefined) refuseInbound(channel, this.#context)
    return {
      ...contact,
      id,
      file: source.file,
      firedBy: 'journey',
      when: when ?? { kind: 'bool', value: true },
      once: 'ever',
      oncePerTag: null,
      isLateFiring: false,
      isFiringExisting: false,
      identity: canonicalJson({ journey, when }),
      journey: { journey, step: name.value },
    }
  }

  /** Whether the step says or does something; a step that only waits has nothing to say of it. */
  #isDelivering(reading: StepReading): boolean {
    const { source } = this.#context
    const isGiven = (key: string) => reading.at(key as 'deliver') !== reading.node
    const isSaying = isGiven('message') || isGiven('action')
    if (isGiven('deliver')) return true
    if (isSaying) {
      const message = 'a step with a message or an action needs the key "deliver"'
      source.report(reading.node, 'missing-key', message, 'deliver: { channel: sms }')
      return false
    }
    const stray = CONTACT_ONLY.find(isGiven)
    if (stray !== undefined) {
      const message = `"${stray}" is about a delivery, and this step has none`
      source.report(reading.at(stray), 'not-allowed', message, 'add "deliver" and "message"')
    }
    return false
  }
}

/** Keys of a step that only a delivery gives a meaning. */
const CONTACT_ONLY = [
  'class',
  'layer',
  'priority',
  'value',
  'audience',
  'ignoresCaps',
  'countsTowardCaps',
  'cap',
  'cancelWhen',
] as const
