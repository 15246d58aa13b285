/** What OUT and REJ of a real server hold, decoded as on the wire. */

import { decode } from '@msgpack/msgpack'
import type { JetStreamManager } from '@nats-io/jetstream'

/** One message of OUT. */
export interface OutMessage {
  readonly sequence: number
  readonly kind: 'claim' | 'decisions'
  readonly epoch: number
  readonly first: number
  readonly last: number
  readonly digest: string
  readonly decisions: readonly OutDecision[]
}

/** One decision in OUT, as on the wire. */
export interface OutDecision {
  readonly n: number
  readonly in: number
  readonly kind: 'delivery' | 'holdout' | 'suppressed' | 'outcome' | 'shown'
  readonly trigger: string
  readonly sub: number
  readonly gen: number
  readonly attempt: number
  readonly id?: string
  readonly experiment?: string
  readonly purpose?: string
  readonly place?: number
  readonly reason?: string
  readonly winner?: string
  readonly detail?: string
  readonly values: Readonly<Record<string, number>>
}

/** One message of REJ, as on the wire. */
export interface RejectMessage {
  readonly in: number
  readonly ordinal: number
  readonly part: number
  readonly parts: number
  readonly reason: string
  readonly position: string
  readonly detail: string
  readonly subject: string
  readonly body: Uint8Array
}

/** All of OUT_<p>. */
export async function readOutput(
  manager: JetStreamManager,
  partition: number,
): Promise<OutMessage[]> {
  const messages = await readStream(manager, `OUT_${partition}`)
  return messages.map(({ sequence, data }) => ({
    ...(decode(data) as Omit<OutMessage, 'sequence'>),
    sequence,
  }))
}

/** All decisions in messages of OUT; throws unless they are 1, 2, 3 … each exactly once. */
export function decisionsOf(messages: readonly OutMessage[]): OutDecision[] {
  const decisions: OutDecision[] = []
  for (const message of messages) {
    if (message.kind !== 'decisions') continue
    if (message.first !== decisions.length + 1) {
      throw new Error(`OUT ${message.sequence} starts with ${message.first}`)
    }
    decisions.push(...message.decisions)
    if (message.last !== decisions.length) throw new Error(`OUT ${message.sequence}: wrong last`)
  }
  decisions.forEach(({ n }, index) => {
    if (n !== index + 1) throw new Error(`decision ${n} stands at ${index + 1}`)
  })
  return decisions
}

/** All of REJ_<p>, repeats by key removed (it is at least once). */
export async function readRejects(
  manager: JetStreamManager,
  partition: number,
): Promise<RejectMessage[]> {
  const byKey = new Map<string, RejectMessage>()
  for (const { data } of await readStream(manager, `REJ_${partition}`)) {
    const reject = decode(data) as RejectMessage
    byKey.set(`${reject.in}-${reject.ordinal}-${reject.part}`, reject)
  }
  return [...byKey.values()]
}

const READS_AHEAD = 16

async function readStream(
  manager: JetStreamManager,
  stream: string,
): Promise<{ sequence: number; data: Uint8Array }[]> {
  const { state } = await manager.streams.info(stream)
  const messages: { sequence: number; data: Uint8Array }[] = []
  if (state.last_seq === 0) return messages
  for (let first = state.first_seq; first <= state.last_seq; first += READS_AHEAD) {
    const count = Math.min(READS_AHEAD, state.last_seq - first + 1)
    const sequences = Array.from({ length: count }, (_, i) => first + i)
    const read = (seq: number) => manager.streams.getMessage(stream, { seq })
    for (const stored of await Promise.all(sequences.map(read))) {
      if (stored !== null) messages.push({ sequence: stored.seq, data: stored.data })
    }
  }
  return messages
}
