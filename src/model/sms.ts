/**
 * How many SMS a text takes. 3GPP TS 23.038: the GSM 7-bit default alphabet with its extension
 * table, or UCS-2 where one character is in neither; TS 23.040: a part of a concatenated message
 * has 6 bytes less.
 */

/** Septets of a text that is sent as one message, and of each part of a longer one. */
export const GSM_SINGLE_MAX = 160
export const GSM_PART_MAX = 153
/** The same in UTF-16 units, where a character is not in the GSM alphabet. */
export const UCS2_SINGLE_MAX = 70
export const UCS2_PART_MAX = 67

/**
 * The default alphabet in the order of its codes, but for the escape (27), which is no character:
 * from Æ on codes are one higher than places.
 */
export const DEFAULT_ALPHABET =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡' +
  'ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'
/** Each takes two septets: an escape and itself. */
export const EXTENSION_TABLE = '\f^{}\\[~]|€'

const SEPTETS: ReadonlyMap<string, number> = new Map([
  ...[...DEFAULT_ALPHABET].map((character) => [character, 1] as const),
  ...[...EXTENSION_TABLE].map((character) => [character, 2] as const),
])

/** The two encodings. */
export type SmsEncoding = 'GSM-7' | 'UCS-2'

/** How long a text is as SMS. `units`: septets, or UTF-16 units. */
export interface SmsLength {
  readonly encoding: SmsEncoding
  readonly units: number
  readonly segments: number
}

/** Septets in the GSM alphabet; null: a character is not in it. */
export function septetsOf(text: string): number | null {
  let septets = 0
  for (const character of text) {
    const size = SEPTETS.get(character)
    if (size === undefined) return null
    septets += size
  }
  return septets
}

/** Encoding, length and segments of a text; an empty one is sent as one message. */
export function smsLength(text: string): SmsLength {
  const septets = septetsOf(text)
  if (septets === null) {
    const units = text.length
    const segments = units <= UCS2_SINGLE_MAX ? 1 : countParts(text, UCS2_PART_MAX, unitsOf)
    return { encoding: 'UCS-2', units, segments }
  }
  const sizeOf = (character: string): number => SEPTETS.get(character)!
  const segments = septets <= GSM_SINGLE_MAX ? 1 : countParts(text, GSM_PART_MAX, sizeOf)
  return { encoding: 'GSM-7', units: septets, segments }
}

function unitsOf(character: string): number {
  return character.length
}

/** Parts that are filled one after the other; what takes two units is not torn between them. */
function countParts(text: string, partMax: number, sizeOf: (character: string) => number): number {
  let parts = 1
  let used = 0
  for (const character of text) {
    const size = sizeOf(character)
    if (used + size > partMax) {
      parts += 1
      used = 0
    }
    used += size
  }
  return parts
}
