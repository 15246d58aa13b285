/** A partition whose deliveries are read with what they say. */

import { decode } from '@msgpack/msgpack'
import { encodeNotice, encodeTest } from '../../src/probe/encode.ts'
import { MachineScript } from './machine-script.ts'

const LIMITS = { batchDecisionsMax: 1000, batchSizeMax: 512 * 1024 }

/** A decision with the keys of the wire. */
export type WireDecision = Readonly<Record<string, unknown>>

/** Answers with `a: text` for a delivery, `a message-incomplete (fields.x)` for a refusal. */
export class MessageScript extends MachineScript {
  readonly wires: WireDecision[] = []

  /** A test send; the id is new unless said. */
  test(trigger: string, subscriber: number, id = `t${this.machine.sequence}`): string[] {
    return this.apply('control.0', encodeTest({ id, trigger, subscriber }))
  }

  /** A notice; channel sms, class service and a new id unless said. */
  notice(subscriber: number, message: string, change: NoticeChange = {}): string[] {
    const { id = `n${this.machine.sequence}`, channel = 'sms', class: name = 'service' } = change
    const data = encodeNotice({ id, subscriber, channel, message, class: name })
    return this.apply('control.0', data)
  }

  override apply(subject: string, data: Uint8Array): string[] {
    const input = { sequence: this.machine.sequence + 1, timestampMs: 0, subject, data }
    this.inputs.push(input)
    this.machine.apply(input)
    const fresh: WireDecision[] = []
    for (;;) {
      const batch = this.machine.outbox.take(1, LIMITS)
      if (batch === null) break
      fresh.push(...(decode(batch.bytes) as { decisions: WireDecision[] }).decisions)
    }
    this.wires.push(...fresh)
    const lines = fresh.map(tell)
    this.lines.push(...lines)
    return lines
  }
}

/** What differs from an ordinary notice. */
export interface NoticeChange {
  readonly id?: string
  readonly channel?: string
  readonly class?: string
}

function tell({ kind, trigger, message, reason, detail }: WireDecision): string {
  if (kind === 'delivery') return `${trigger}: ${message}`
  if (kind === 'suppressed') return `${trigger} ${reason}${detail ? ` (${detail})` : ''}`
  return `${trigger} ${kind}`
}
