/**
 * Texts as short messages and back: GSM 7-bit (one septet in each octet, as SMPP carries it) or
 * UCS-2, in parts with a user data header when one message is too short (3GPP TS 23.038, 23.040).
 * The parts are those that model/sms.ts counts.
 */

import {
  DEFAULT_ALPHABET,
  EXTENSION_TABLE,
  GSM_PART_MAX,
  GSM_SINGLE_MAX,
  UCS2_PART_MAX,
  UCS2_SINGLE_MAX,
} from '../model/sms.ts'

/** SMPP's data_coding of the two encodings. */
export const DATA_CODING_GSM = 0
export const DATA_CODING_UCS2 = 8

const ESCAPE = 0x1b
const EXTENSION_CODES = [0x0a, 0x14, 0x28, 0x29, 0x2f, 0x3c, 0x3d, 0x3e, 0x40, 0x65]

const OCTETS: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ...[...DEFAULT_ALPHABET].map((character, place) => {
    return [character, [place < ESCAPE ? place : place + 1]] as const
  }),
  ...[...EXTENSION_TABLE].map((character, place) => {
    return [character, [ESCAPE, EXTENSION_CODES[place]!]] as const
  }),
])

/** One part: a header of concatenation, or none where it is the only one. */
export interface MessagePart {
  readonly udh: Buffer | null
  readonly body: Buffer
}

/** A text in parts. */
export interface ShortMessage {
  readonly dataCoding: number
  readonly parts: readonly MessagePart[]
}

/** A text in parts; `reference` (0 to 255) tells the parts of one message from another's. */
export function encodeText(text: string, reference: number): ShortMessage {
  const { dataCoding, bodies } = encodeBodies(text, true)
  const [only] = bodies
  if (bodies.length === 1) return { dataCoding, parts: [{ udh: null, body: only! }] }
  const parts = bodies.map((body, index) => {
    return { udh: Buffer.from([5, 0, 3, reference & 255, bodies.length, index + 1]), body }
  })
  return { dataCoding, parts }
}

/** A text in one piece, for message_payload. */
export function encodeWhole(text: string): ShortMessage {
  const { dataCoding, bodies } = encodeBodies(text, false)
  return { dataCoding, parts: [{ udh: null, body: bodies[0]! }] }
}

function encodeBodies(text: string, isSplit: boolean): { dataCoding: number; bodies: Buffer[] } {
  const pieces = piecesOf(text)
  const isGsm = pieces !== null
  const all = pieces ?? [...text].map((character) => ucs2Octets(character))
  const unit = isGsm ? 1 : 2
  const sizeMax = (isGsm ? GSM_SINGLE_MAX : UCS2_SINGLE_MAX) * unit
  const partSizeMax = (isGsm ? GSM_PART_MAX : UCS2_PART_MAX) * unit
  const size = all.reduce((sum, piece) => sum + piece.length, 0)
  const dataCoding = isGsm ? DATA_CODING_GSM : DATA_CODING_UCS2
  if (!isSplit || size <= sizeMax) return { dataCoding, bodies: [Buffer.from(all.flat())] }
  const bodies: Buffer[] = []
  let part: number[] = []
  for (const piece of all) {
    // What takes two units is not torn between parts.
    if (part.length + piece.length > partSizeMax) {
      bodies.push(Buffer.from(part))
      part = []
    }
    part.push(...piece)
  }
  bodies.push(Buffer.from(part))
  return { dataCoding, bodies }
}

function piecesOf(text: string): (readonly number[])[] | null {
  const pieces: (readonly number[])[] = []
  for (const character of text) {
    const octets = OCTETS.get(character)
    if (octets === undefined) return null
    pieces.push(octets)
  }
  return pieces
}

function ucs2Octets(character: string): number[] {
  return [...Buffer.from(character, 'utf16le').swap16()]
}

/** Number and count of a part by its user data headers; null: it is whole. */
export function partOf(
  headers: unknown,
): { readonly number: number; readonly count: number } | null {
  if (!Array.isArray(headers)) return null
  for (const header of headers) {
    if (!Buffer.isBuffer(header)) continue
    // 8-bit and 16-bit references (TS 23.040, 9.2.3.24.1 and .8).
    if (header[0] === 0 && header.byteLength >= 5) return { count: header[3]!, number: header[4]! }
    if (header[0] === 8 && header.byteLength >= 6) return { count: header[4]!, number: header[5]! }
  }
  return null
}
