/**
 * The channel `nats`: each delivery as a message of its own on `delivery.<channel>`, for those who
 * want plain subjects. The server drops a repeat by its Nats-Msg-Id, the delivery's id, within the
 * stream's window of ten minutes; beyond, whoever reads drops it by the same id.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { encode } from '@msgpack/msgpack'
import type { NatsConnection } from 'nats'
import type { SaidDelivery } from '../model/said.ts'
import type { ChannelPort, ChannelPortView, SendJob, SendResult } from '../model/sending.ts'
import { brokerLink } from './broker-link.ts'
import { createPublisher } from './publish.ts'
import { deliveryStreamName, deliverySubject } from './stream-names.ts'

/** Publishes under way at most. */
const IN_FLIGHT_MAX = 256
const RETRY_MS = 200

/** Makes the channel; the connection stays the caller's. */
export function createDeliveryChannel(connection: NatsConnection, channel: string): ChannelPort {
  const publisher = createPublisher(connection)
  const link = brokerLink(connection)
  const stream = deliveryStreamName(channel)
  const subject = deliverySubject(channel)
  let active = 0
  let retries = 0
  let throttles = 0
  let isClosed = false
  let isUp = true
  let stopListening = (): void => undefined

  const publish = async ({ delivery, isRepeat }: SendJob): Promise<SendResult> => {
    const data = encodeDelivery(delivery)
    let isUnanswered = isRepeat
    for (;;) {
      try {
        const request = { stream, subject, data, expectedLastSequence: null }
        const outcome = await publisher.publish({ ...request, messageId: delivery.id })
        if (outcome.kind === 'stored') return { kind: 'sent', receipts: [] }
        if (outcome.kind === 'full') throttles += 1
        else isUnanswered = true
      } catch {
        return { kind: 'failed', reason: 'refused' }
      }
      retries += 1
      await pause(RETRY_MS)
      if (isClosed) return { kind: isUnanswered ? 'left' : 'withdrawn' }
      if (Date.now() >= delivery.notAfterMs) return { kind: isUnanswered ? 'unknown' : 'expired' }
    }
  }

  return {
    isIdempotent: true,
    start(_sink, onChange): void {
      stopListening = link.onChange((state) => {
        isUp = state === 'connected'
        onChange()
      })
    },
    room: () => (isUp && !isClosed ? IN_FLIGHT_MAX - active : 0),
    costOf: () => 1,
    async submit(job: SendJob): Promise<SendResult> {
      active += 1
      try {
        return await publish(job)
      } finally {
        active -= 1
      }
    },
    view: (): ChannelPortView => ({ isUp, connects: 0, retries, throttles, strays: 0 }),
    async close(timeoutMs: number): Promise<void> {
      isClosed = true
      for (let waitedMs = 0; active > 0 && waitedMs < timeoutMs; waitedMs += 20) await pause(20)
      stopListening()
    },
  }
}

/** A delivery as OUT has it, without what only the engine needs. */
function encodeDelivery(delivery: SaidDelivery): Uint8Array {
  const { message, action, segments, lang, region, purpose, isCanary } = delivery
  return encode({
    v: 1,
    id: delivery.id,
    trigger: delivery.trigger,
    sub: delivery.subscriber,
    period: delivery.period,
    attempt: delivery.attempt,
    channel: delivery.channel,
    class: delivery.class,
    ...(message === null ? {} : { message }),
    ...(action === null ? {} : { action }),
    ...(segments === null ? {} : { segments }),
    ...(lang === null ? {} : { lang }),
    ...(region === null ? {} : { region }),
    ...(purpose === null ? {} : { purpose }),
    ...(isCanary ? { canary: true } : {}),
    values: delivery.values,
    not_before: delivery.notBeforeMs,
    not_after: delivery.notAfterMs,
  })
}
