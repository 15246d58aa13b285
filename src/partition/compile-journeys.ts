/**
 * Journeys resolved against the layout: what is watched for, the numbers under which rows of
 * members know the steps, and who is held out. Made once per generation.
 */

import type { Catalog } from '../model/catalog.ts'
import type { Expression } from '../model/expression.ts'
import { type JourneySpec, journeyKey, type StepSpec } from '../model/journey.ts'
import { referencesOf } from '../rules/references.ts'
import type { JourneyImage, LayoutImage } from '../state/layout.ts'
import { STEP_NUMBERS_MAX } from '../state/member.ts'
import type { CompiledCondition, CompiledTrigger, CompiledWatch } from './compile.ts'
import type { CompiledControl } from './compile-policy.ts'

/** A step with the number that it has for good. */
export interface CompiledStep {
  readonly spec: StepSpec
  readonly number: number
  /** Judged when it is due; null: always met. */
  readonly when: Pick<CompiledCondition, 'spec' | 'references'> | null
  /** What delivers it; null: nothing. */
  readonly trigger: CompiledTrigger | null
}

/** A journey, ready to run. */
export interface CompiledJourney {
  readonly spec: JourneySpec
  /** Code of its entering in the layout: stable over generations. */
  readonly code: number
  readonly image: JourneyImage
  readonly enter: CompiledWatch
  readonly goal: CompiledWatch | null
  readonly exit: CompiledWatch | null
  readonly steps: readonly CompiledStep[]
  /** Experiments that may hold a subscriber out of its steps, the one asked first in front. */
  readonly controls: readonly CompiledControl[]
}

/** What journeys are compiled with: by name, since compile.ts knows this file's types. */
export interface JourneyParts {
  readonly catalog: Catalog
  readonly layout: LayoutImage
  /** Code of the entering, and whether it happens on the edge only. */
  register(spec: Pick<JourneySpec, 'id' | 'identity' | 'isFiringExisting'>): {
    readonly code: number
    readonly isEdge: boolean
  }
  watch(spec: CompiledWatch['spec'] & { readonly id: string }, watch: Watched): CompiledWatch
  triggerById(id: string): CompiledTrigger | undefined
}

/** What a condition is watched for, and how it is judged. */
export type Watched = CompiledWatch['watch'] & { readonly isEdge: boolean }

/** Compiles the catalog's journeys, in its order; extends the layout. Throws RangeError. */
export function compileJourneys(parts: JourneyParts): readonly CompiledJourney[] {
  return parts.catalog.journeys.map((spec) => compileJourney(parts, spec))
}

function compileJourney(parts: JourneyParts, spec: JourneySpec): CompiledJourney {
  const key = journeyKey(spec.id)
  const { code, isEdge } = parts.register({ ...spec, id: key })
  const image = registerSteps(parts.layout, code, spec)
  const whileInside = (what: 'goal' | 'exit') => {
    const when = spec[what]
    if (when === null) return null
    const judged = { id: `${key}/${what}`, when, once: 'ever', isLateFiring: false } as const
    return parts.watch(judged, { code, what, isEdge: false })
  }
  const { enter: when, once, isLateFiring } = spec
  const steps = spec.steps.map((step) => ({
    spec: step,
    number: image.steps.findIndex(({ name }) => name === step.name),
    when: step.when === null ? null : conditionOf(step.when),
    trigger: step.trigger === null ? null : parts.triggerById(step.trigger)!,
  }))
  return {
    spec,
    code,
    image,
    enter: parts.watch({ id: key, when, once, isLateFiring }, { code, what: 'enter', isEdge }),
    goal: whileInside('goal'),
    exit: whileInside('exit'),
    steps,
    controls: controlsOf(steps),
  }
}

function conditionOf(when: Expression): CompiledStep['when'] {
  return {
    spec: { when, once: 'ever', isLateFiring: false },
    references: referencesOf(when),
  }
}

/** Of all its steps' experiments, each once: the journey's own is among each step's. */
function controlsOf(steps: readonly CompiledStep[]): readonly CompiledControl[] {
  const controls = new Map<number, CompiledControl>()
  for (const { trigger } of steps) {
    for (const control of trigger?.policy.controls ?? []) controls.set(control.code, control)
  }
  return [...controls.values()]
}

/**
 * The numbers of the steps, for good. Who stands at a step that goes now is to go on with the one
 * that followed it. Throws RangeError where there were too many different steps.
 */
function registerSteps(layout: LayoutImage, code: number, spec: JourneySpec): JourneyImage {
  const image = (layout.journeys[code] ??= { steps: [], order: [], shape: spec.shape, edits: 0 })
  const names = new Set(spec.steps.map(({ name }) => name))
  const { steps, order } = image
  let following = -1
  for (const number of order.toReversed()) {
    const step = steps[number]!
    if (names.has(step.name)) following = number
    else steps[number] = { ...step, isRemoved: true, next: following }
  }
  image.order = spec.steps.map(({ name }) => {
    const known = steps.findIndex((step) => step.name === name)
    const step = { name, next: -1, isRemoved: false }
    if (known !== -1) steps[known] = step
    return known === -1 ? steps.push(step) - 1 : known
  })
  if (steps.length > STEP_NUMBERS_MAX) {
    const most = `journey ${spec.id} has had more than ${STEP_NUMBERS_MAX} different steps`
    throw new RangeError(`${most}: give it a new id`)
  }
  if (image.shape !== spec.shape) {
    image.shape = spec.shape
    if (spec.onEdit !== 'continue') image.edits += 1
  }
  return image
}
