/** What an SMSC hands over, out of the fields that the package decodes. */

import { FEEDBACK_TEXT_LENGTH_MAX } from '../model/messages.ts'
import { SUBSCRIBER_MAX } from '../model/usage.ts'
import type { Delivered } from './receipts.ts'
import { partOf } from './short-message.ts'

/** A deliver_sm or data_sm. */
export interface DeliveredMessage extends Delivered {
  readonly from: string
  readonly to: string
  readonly part: { readonly number: number; readonly count: number } | null
}

/** Reads the fields; what is missing or of another type is empty. */
export function readDelivered(pdu: { readonly [parameter: string]: unknown }): DeliveredMessage {
  const short = contentOf(pdu.short_message)
  const content = short.text === '' ? contentOf(pdu.message_payload) : short
  return {
    esmClass: typeof pdu.esm_class === 'number' ? pdu.esm_class : 0,
    receiptedId: pdu.receipted_message_id,
    messageState: pdu.message_state,
    text: content.text,
    from: textOf(pdu.source_addr),
    to: textOf(pdu.destination_addr),
    part: partOf(short.headers),
  }
}

/** The subscriber's number out of an address; null: it is none. */
export function subscriberFrom(address: string, prefix: string): number | null {
  const digits = address.replace(/^\+/, '')
  const bare = prefix.replace(/^\+/, '')
  const number = digits.startsWith(bare) ? digits.slice(bare.length) : digits
  if (!/^[1-9]\d{0,14}$/.test(number)) return null
  const subscriber = Number(number)
  return subscriber <= SUBSCRIBER_MAX ? subscriber : null
}

/** A reply as feedback carries it: so many characters at most, and none torn. */
export function replyText(text: string): string {
  return text.slice(0, FEEDBACK_TEXT_LENGTH_MAX).toWellFormed()
}

function contentOf(value: unknown): { text: string; headers: unknown } {
  if (typeof value !== 'object' || value === null) return { text: textOf(value), headers: null }
  const { message, udh } = value as { message?: unknown; udh?: unknown }
  return { text: textOf(message), headers: udh }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
