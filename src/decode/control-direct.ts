import type { ControlMessage } from '../model/messages.ts'
import { NOTICE_CLASS } from '../model/policy.ts'
import { NOTICE_LENGTH_MAX } from '../model/wire.ts'
import type { Cursor } from './cursor.ts'

/*
 * The control messages that make deliveries of their own. test: trigger, sub; notice: sub, channel,
 * message, class?. Their ids become words of delivery ids: letters, digits, _ and - only.
 */

/** Keys of these messages that no kind before them has, in the order of the message's bits. */
export const DIRECT_KEYS = ['message'] as const

/** Keys that each kind must have, and may have, beside v, kind and id. */
export const DIRECT_KEYS_OF_KIND = {
  test: { required: ['sub', 'trigger'], allowed: [] },
  notice: { required: ['sub', 'channel', 'message'], allowed: ['class'] },
} as const

type DirectKind = keyof typeof DIRECT_KEYS_OF_KIND

const WORD = /^[A-Za-z0-9_-]+$/
/** A UTF-16 unit takes at most three bytes. */
const MESSAGE_SIZE_MAX = 3 * NOTICE_LENGTH_MAX
/** Control characters but for the line feed. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNPRINTABLE = /[\x00-\x09\x0b-\x1f\x7f]/

/** Values as read, before it is known which kind they belong to. */
export interface DirectDraft {
  readonly sub: number | null
  readonly trigger: string | null
  readonly message: string
  readonly channel: string
  readonly className: string | null
}

/** Reads a notice's text: something to say, in one message. */
export function readNoticeText(cursor: Cursor): string {
  const at = cursor.offset
  const text = cursor.readString(MESSAGE_SIZE_MAX)
  if (text.length > NOTICE_LENGTH_MAX) {
    const detail = `${text.length} characters, at most ${NOTICE_LENGTH_MAX}`
    throw cursor.reject('oversized', detail)
  }
  if (text.trim() !== '' && !UNPRINTABLE.test(text)) return text
  throw cursor.reject('malformed', `no text, or control characters in it, at offset ${at}`)
}

/** A test send or a notice, from the values of one message. */
export function finishDirect(
  cursor: Cursor,
  kind: DirectKind,
  id: string,
  { sub, trigger, message, channel, className }: DirectDraft,
): Extract<ControlMessage, { kind: DirectKind }> {
  if (!WORD.test(id)) {
    cursor.root = 'id'
    throw cursor.reject('malformed', `the id of a ${kind} is letters, digits, _ and - only`)
  }
  const subscriber = sub!
  if (kind === 'test') return { kind, id, trigger: trigger!, subscriber }
  return { kind, id, subscriber, channel, message, class: className ?? NOTICE_CLASS }
}
