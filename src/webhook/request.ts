/** What a webhook gets to see: the body and the headers, signed. */

import { createHmac } from 'node:crypto'
import type { SaidDelivery } from '../model/said.ts'

/** Version of signature and body. */
const SIGNATURE_VERSION = 'v1'

/** The body of a delivery: JSON, UTF-8. What it has not is left out; times are ISO 8601 in UTC. */
export function webhookBody(delivery: SaidDelivery): Buffer {
  const { message, action, lang, region, segments, purpose, isCanary } = delivery
  const body = {
    id: delivery.id,
    channel: delivery.channel,
    trigger: delivery.trigger,
    subscriber: delivery.subscriber,
    period: delivery.period,
    attempt: delivery.attempt,
    class: delivery.class,
    ...(message === null ? {} : { message }),
    ...(action === null ? {} : { action }),
    ...(lang === null ? {} : { lang }),
    ...(region === null ? {} : { region }),
    ...(segments === null ? {} : { segments }),
    ...(purpose === null ? {} : { purpose }),
    ...(isCanary ? { canary: true } : {}),
    values: delivery.values,
    notBefore: new Date(delivery.notBeforeMs).toISOString(),
    notAfter: new Date(delivery.notAfterMs).toISOString(),
  }
  return Buffer.from(JSON.stringify(body), 'utf8')
}

/**
 * Headers of one attempt. The signature is over `<timestamp>.<body>`, HMAC-SHA256 with the shared
 * secret, in hex; the timestamp is in seconds and new with each attempt, so that a target can
 * refuse what somebody replays later.
 */
export function webhookHeaders(
  deliveryId: string,
  body: Buffer,
  secret: string | null,
  nowMs: number,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000))
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(body.byteLength),
    'user-agent': 'highwater',
    'idempotency-key': deliveryId,
    'highwater-timestamp': timestamp,
  }
  if (secret !== null) headers['highwater-signature'] = signatureOf(secret, timestamp, body)
  return headers
}

/** The signature of a body, as in the header. */
export function signatureOf(secret: string, timestamp: string, body: Uint8Array): string {
  const hmac = createHmac('sha256', secret).update(`${timestamp}.`).update(body)
  return `${SIGNATURE_VERSION}=${hmac.digest('hex')}`
}
