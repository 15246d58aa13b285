/** What comes back of deliveries, written by hand: reports in, outcomes as text. */

import type { FeedbackRow } from '../../src/model/messages.ts'
import { encodeFeedback } from '../../src/probe/encode.ts'
import type { ReadDecision } from './machine-harness.ts'
import { ANN, MachineScript } from './machine-script.ts'

/** An outcome as it is read back, or a delivery. */
export interface ToldDecision {
  readonly kind: string
  readonly trigger: string
  readonly subscriber: number
  readonly attempt: number
  readonly id: string
  readonly what?: string
  readonly by?: string
  readonly word?: string
  readonly timeMs?: number
  readonly isFirst?: boolean
  readonly isControl?: boolean
  readonly isCanary?: boolean
  readonly purpose?: string
  readonly region?: string
  readonly reason?: string
}

/** A decision in one line: `pack/1 ordered by reply VIP first`, `pack/1 delivery confirm`. */
export function tell(decision: ReadDecision): string {
  const told = decision as unknown as ToldDecision
  const { kind, trigger, attempt, what, by, word, purpose, region, reason } = told
  const head = `${trigger}/${attempt} ${what ?? reason ?? kind}`
  const source = by === undefined || by === 'id' ? '' : ` by ${by}`
  const flags = [
    told.isFirst ? 'first' : '',
    told.isControl ? 'control' : '',
    told.isCanary ? 'canary' : '',
    purpose ?? '',
    region === undefined ? '' : `in ${region}`,
  ]
  return [head + source, word ?? '', ...flags].filter((part) => part !== '').join(' ')
}

/** A script with reports of what customers did. */
export class LoopScript extends MachineScript {
  #reportSeq = 0

  /** Reports about ANN, now unless said; answers with what was said then. */
  report(...changes: Partial<FeedbackRow>[]): string[] {
    const base = { subscriber: ANN, kind: 'replied', timeMs: this.clockMs } as const
    const rows = changes.map((change) => ({ ...base, ...change }))
    const stamp = { probe: 'crm', epoch: 1, seq: ++this.#reportSeq }
    return this.told(() => this.apply('feedback.0.crm', encodeFeedback({ stamp, rows })))
  }

  /** What a step said, as `tell` tells it. */
  told(step: () => unknown): string[] {
    const from = this.decisions.length
    step()
    return this.decisions.slice(from).map(tell)
  }

  /** Ids of all deliveries so far, oldest first. */
  get ids(): string[] {
    const told = this.decisions as unknown as ToldDecision[]
    return told.filter(({ kind }) => kind === 'delivery').map(({ id }) => id)
  }

  get repeats(): number {
    return this.machine.core!.statistics.feedbackRepeats
  }
}
