/**
 * How long a message can become as SMS: with the longest word of each field and the largest number
 * that each format shows. Held against maxSegments when a configuration is read, so that nothing
 * that is sent ever takes more.
 */

import type { MessageSpec, MessageText } from '../model/message.ts'
import {
  GSM_PART_MAX,
  GSM_SINGLE_MAX,
  type SmsEncoding,
  septetsOf,
  smsLength,
  UCS2_PART_MAX,
  UCS2_SINGLE_MAX,
} from '../model/sms.ts'
import { widestTexts } from '../model/value-format.ts'
import type { TriggerContext } from './trigger-context.ts'
import { type ContactReading, SEGMENTS_DEFAULT } from './trigger-grammar.ts'

const SHOWN_LENGTH_MAX = 40

/** The longest that a text can become. */
export interface WorstCase {
  readonly segments: number
  readonly encoding: SmsEncoding
  /** Septets or UTF-16 units. */
  readonly units: number
  /** What stands in its places then, as `fields.plan = "gold"`. */
  readonly values: readonly string[]
}

/** Refuses messages that could take more segments than the trigger allows. */
export function checkSegments(
  message: MessageSpec,
  reading: ContactReading,
  channel: string,
  id: string | undefined,
  { policy, source, notes }: TriggerContext,
): void {
  const { maxSegments } = reading.values
  if (policy.channels.get(channel)?.spec.isSms !== true) {
    const isKnown = policy.isKnown('channels') && policy.channels.get(channel) !== null
    if (maxSegments === undefined || !isKnown) return
    const text = `the channel "${channel}" carries no SMS, so there are no segments`
    const hint = `declare channels: { ${channel}: { sms: true } }, or leave maxSegments out`
    source.report(maxSegments.node, 'contradiction', text, hint)
    return
  }
  const limit = maxSegments?.value ?? SEGMENTS_DEFAULT
  for (const text of message.texts) {
    const worst = worstCaseOf(text)
    const { segments, encoding, units, values } = worst
    const unit = encoding === 'GSM-7' ? 'septets of GSM-7' : 'characters of UCS-2'
    const where = text.language === null ? 'the message' : `the text "${text.language}"`
    const how = values.length === 0 ? '' : `, with ${values.join(', ')}`
    const told = `${where} takes ${values.length === 0 ? '' : 'up to '}${segments} SMS`
    if (segments > limit) {
      const bound = maxSegments === undefined ? `${limit} unless it says maxSegments` : `${limit}`
      const detail = `${told}, and may take ${bound}: ${units} ${unit}${how}`
      const hint = values.length === 0 ? 'shorten it' : 'shorten it, bound numbers by max'
      source.report(
        reading.at('message'),
        'too-many-segments',
        detail,
        `${hint}, or say maxSegments: ${segments}`,
      )
    } else if (maxSegments === undefined && segments > 1 && id !== undefined) {
      notes.push(`trigger ${id}: ${told} (${units} ${unit}${how})`)
    }
  }
}

/** The longest that a text can become, in the encoding in which it takes more segments. */
export function worstCaseOf({ parts }: MessageText): WorstCase {
  const places = parts.map((part) =>
    typeof part === 'string' ? [part] : [...widestTexts(part.format)],
  )
  const choices = [longestGsm(places), longestUcs2(places)].filter((choice) => choice !== null)
  const cases = choices.map((choice) => caseOf(choice, places, parts))
  return cases.reduce((worst, each) => (each.segments > worst.segments ? each : worst))
}

function caseOf(
  choice: readonly string[],
  places: readonly (readonly string[])[],
  parts: MessageText['parts'],
): WorstCase {
  const { encoding, units, segments } = smsLength(choice.join(''))
  const isFixed = parts.every((part) => typeof part === 'string')
  const values = parts.flatMap((part, i) =>
    typeof part === 'string' ? [] : [`${part.name} = ${shown(choice[i]!)}`],
  )
  const bound = isFixed ? segments : boundOf(encoding, units, places)
  return { segments: bound, encoding, units, values }
}

/**
 * Parts that any text of as many units takes at most. What takes two units is not torn between two
 * parts, so each may stay one short; shorter values may shift it there.
 */
function boundOf(
  encoding: SmsEncoding,
  units: number,
  places: readonly (readonly string[])[],
): number {
  const isGsm = encoding === 'GSM-7'
  if (units <= (isGsm ? GSM_SINGLE_MAX : UCS2_SINGLE_MAX)) return 1
  const hasPair = places.flat().some((text) => [...text].some((each) => isPair(each, isGsm)))
  return Math.ceil(units / ((isGsm ? GSM_PART_MAX : UCS2_PART_MAX) - (hasPair ? 1 : 0)))
}

function isPair(character: string, isGsm: boolean): boolean {
  return isGsm ? septetsOf(character) === 2 : character.length === 2
}

/** For each place what is longest in septets; null: some place has nothing of that alphabet. */
function longestGsm(places: readonly (readonly string[])[]): string[] | null {
  const chosen = places.map((texts) =>
    longest(
      texts.filter((text) => septetsOf(text) !== null),
      (text) => septetsOf(text)!,
    ),
  )
  return chosen.includes(undefined) ? null : (chosen as string[])
}

/** For each place what has most UTF-16 units, one at least out of the alphabet; null: none is. */
function longestUcs2(places: readonly (readonly string[])[]): string[] | null {
  const sizeOf = (text: string): number => text.length
  const chosen = places.map((texts) => longest(texts, sizeOf) ?? '')
  const foreign = places.map((texts) =>
    longest(
      texts.filter((text) => septetsOf(text) === null),
      sizeOf,
    ),
  )
  const costs = foreign.map((text, i) =>
    text === undefined ? Number.POSITIVE_INFINITY : chosen[i]!.length - text.length,
  )
  const cheapest = Math.min(...costs)
  if (cheapest === Number.POSITIVE_INFINITY) return null
  const place = costs.indexOf(cheapest)
  return chosen.map((text, i) => (i === place ? foreign[i]! : text))
}

function longest(texts: readonly string[], sizeOf: (text: string) => number): string | undefined {
  let found: string | undefined
  for (const text of texts) if (found === undefined || sizeOf(text) > sizeOf(found)) found = text
  return found
}

function shown(text: string): string {
  if (/^-?[\d.]+$/.test(text)) return text
  return JSON.stringify(
    text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text,
  )
}
