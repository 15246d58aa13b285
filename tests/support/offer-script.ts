/** A partition's log by hand where customers ask for offers, and accept them. */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { ShownRow } from '../../src/model/messages.ts'
import type { AcceptOutcome } from '../../src/model/offer.ts'
import type { PlacedOffer } from '../../src/partition/offering.ts'
import { encodeAccept, encodeShown } from '../../src/probe/encode.ts'
import { ANN, MachineScript } from './machine-script.ts'
import { type PolicyTrigger, policyFiles } from './policy-files.ts'

/** The inbound channel of most tests. */
export const HOTLINE = 'hotline'

/** What differs from what a test would write itself. */
interface Whose {
  readonly subscriber?: number
  readonly channel?: string
  readonly id?: string
}

/** Triggers on the hotline unless they say otherwise; `policy`: without the channels. */
export function offerFiles(
  triggers: Readonly<Record<string, PolicyTrigger>>,
  policy: readonly string[] = [],
  hotline = '{ inbound: true }',
): ConfigFiles {
  const onHotline = Object.entries(triggers).map(([id, trigger]) => {
    return [id, { channel: HOTLINE, ...trigger }] as const
  })
  const channels = `channels: { ${HOTLINE}: ${hotline}, website: { inbound: true }, sms: {} }`
  return policyFiles(Object.fromEntries(onHotline), [channels, ...policy])
}

/** A `MachineScript` with a desk that asks. */
export class OfferScript extends MachineScript {
  /** What is offered now. */
  find({ subscriber = ANN, channel = HOTLINE }: Whose = {}, limit = 3): PlacedOffer[] {
    const { core, offering } = this.machine
    const triggers = offering!.triggersOf(channel)
    if (triggers === undefined) throw new Error(`${channel} is not inbound`)
    const slot = core!.index.find(subscriber)
    return slot === -1 ? [] : offering!.find(slot, triggers, limit)
  }

  /** `1 pack`, `2 gift held out`: what is offered now. */
  offers(whose: Whose = {}, limit = 3): string[] {
    return this.find(whose, limit).map(({ trigger, row, place }) => {
      return `${place} ${trigger.spec.id}${row.experiment === 0 ? '' : ' held out'}`
    })
  }

  /** Says that these were shown, the first at place 1. */
  show(triggers: readonly string[], whose: Whose = {}): string[] {
    const { subscriber = ANN, channel = HOTLINE } = whose
    const rows = triggers.map((trigger, at) => ({ subscriber, trigger, channel, place: at + 1 }))
    return this.showRows(rows, whose.id)
  }

  showRows(rows: readonly ShownRow[], id = `s${this.machine.sequence}`): string[] {
    return this.apply('control.0', encodeShown({ id, rows }))
  }

  accept(trigger: string, whose: Whose = {}): string[] {
    const { subscriber = ANN, channel = HOTLINE, id = `a${this.machine.sequence}` } = whose
    return this.apply('control.0', encodeAccept({ id, subscriber, trigger, channel }))
  }

  /** What an acceptance comes to; the id is new. */
  outcome(trigger: string, whose: Whose = {}): AcceptOutcome | undefined {
    const id = `o${this.machine.sequence}`
    this.accept(trigger, { ...whose, id })
    return this.machine.offering!.outcomes.get(id)
  }
}
