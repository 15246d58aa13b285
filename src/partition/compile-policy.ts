/**
 * The policy resolved against the layout: what each trigger's candidates are checked against, and
 * which caps could still count a row of the ledger. Made once per generation.
 */

import { assert } from '../errors.ts'
import { capText } from '../model/cap-text.ts'
import type { Catalog, TriggerSpec } from '../model/catalog.ts'
import type { SuppressionReason } from '../model/decision.ts'
import type { CapSpec, ClassSpec, ControlGroupSpec } from '../model/policy.ts'
import { type LayoutImage, nameCode } from '../state/layout.ts'
import type { LedgerRow } from '../state/ledger.ts'

/** Which rows of a subscriber a cap counts. */
export type CapScope = 'trigger' | 'channel' | 'class' | 'sensitive' | 'global'

/** One cap that a trigger's candidates must have room in. */
export interface CapCheck {
  readonly scope: CapScope
  readonly reason: SuppressionReason
  readonly cap: CapSpec
  /** Layout name that says which cap it is: `channel sms: 1 per day`. */
  readonly detail: number
}

/** A control group with its experiment's code in the layout. */
export interface CompiledControl {
  readonly spec: ControlGroupSpec
  readonly code: number
}

/** What the policy makes of one trigger. */
export interface TriggerPolicy {
  /** Codes of the layout's names. */
  readonly channel: number
  readonly class: number
  readonly classSpec: ClassSpec
  /** Experiments that may hold a subscriber out, the one asked first in front. */
  readonly controls: readonly CompiledControl[]
  /** In the order of the checks. */
  readonly caps: readonly CapCheck[]
}

/** One generation's policy, ready to run. */
export class CompiledPolicy {
  /** Whether triggers compete for contacts at all. */
  readonly arbitration: Catalog['policy']['arbitration']
  readonly rememberedMs: number
  /** Channels that carry SMS. */
  readonly smsChannels: ReadonlySet<string>
  readonly #catalog: Catalog
  readonly #layout: LayoutImage
  readonly #ownCaps = new Map<string, readonly CapSpec[]>()
  readonly #channelCaps = new Map<number, readonly CapSpec[]>()
  readonly #classCaps = new Map<number, readonly CapSpec[]>()

  /** Adds names to the layout. */
  constructor(catalog: Catalog, layout: LayoutImage) {
    this.#catalog = catalog
    this.#layout = layout
    const { policy, triggers } = catalog
    this.arbitration = policy.arbitration
    this.rememberedMs = policy.rememberedMs
    const sms = policy.channels.filter(({ isSms }) => isSms)
    this.smsChannels = new Set(sms.map(({ name }) => name))
    for (const { id, caps } of triggers) this.#ownCaps.set(id, caps)
    for (const { name, caps } of policy.channels) {
      this.#channelCaps.set(nameCode(layout, name), caps)
    }
    for (const { name, caps, sensitiveCaps } of policy.classes) {
      this.#classCaps.set(nameCode(layout, name), [...caps, ...sensitiveCaps])
    }
  }

  /** Resolves one trigger; adds names to the layout. */
  resolve(spec: TriggerSpec): TriggerPolicy {
    const { policy } = this.#catalog
    const layout = this.#layout
    const classSpec = policy.classes.find(({ name }) => name === spec.class)
    assert(classSpec !== undefined, 'a trigger is of a class that the policy does not have')
    const controls: CompiledControl[] = []
    const add = (control: ControlGroupSpec | null): void => {
      if (control === null) return
      controls.push({ spec: control, code: nameCode(layout, control.experiment) })
    }
    if (classSpec.isHeldOut) add(policy.globalControl)
    add(spec.controlGroup)
    return {
      channel: nameCode(layout, spec.channel),
      class: nameCode(layout, spec.class),
      classSpec,
      controls,
      caps: this.#capsOf(spec, classSpec),
    }
  }

  /** All caps in force that may count a row. `trigger`: its trigger's id. */
  *capsOver(
    row: Pick<LedgerRow, 'channel' | 'class' | 'isCounted'>,
    trigger: string,
  ): Generator<CapSpec> {
    yield* this.#ownCaps.get(trigger) ?? []
    yield* this.#classCaps.get(row.class) ?? []
    if (!row.isCounted) return
    yield* this.#channelCaps.get(row.channel) ?? []
    yield* this.#catalog.policy.caps
  }

  #capsOf(spec: TriggerSpec, classSpec: ClassSpec): CapCheck[] {
    const { policy } = this.#catalog
    const { channel } = spec
    const checks: CapCheck[] = []
    const add = (scope: CapScope, subject: string, caps: readonly CapSpec[]): void => {
      for (const cap of caps) {
        const detail = nameCode(this.#layout, `${subject}: ${capText(cap)}`)
        checks.push({ scope, reason: `cap-${scope}`, cap, detail })
      }
    }
    add('trigger', `trigger ${spec.id}`, spec.caps)
    // Not asked of a trigger that ignores them, so not even looked at.
    if (spec.isIgnoringCaps) return checks
    const declared = policy.channels.find(({ name }) => name === channel)
    add('channel', `channel ${channel}`, declared?.caps ?? [])
    add('class', `class ${spec.class}`, classSpec.caps)
    add('sensitive', `class ${spec.class}, sensitive`, classSpec.sensitiveCaps)
    add('global', 'all', policy.caps)
    return checks
  }
}
