/** What a message says to one subscriber: its language, and its values written out. */

import type { Expression } from '../model/expression.ts'
import type { MessageSpec, MessageText, Placeholder } from '../model/message.ts'
import { formatValue } from '../model/value-format.ts'

/** What a message reads of its subscriber. */
export interface MessageReader {
  has(field: string): boolean
  /** Of an enum field that is set: the code of its word. */
  field(field: string): number
  /** A number; NaN where a field is unset that it reads, or not finite for another reason. */
  measure(expression: Expression): number
  /** How far the subscriber's clock is ahead of UTC at an instant, ms. */
  offsetAt(instantMs: number): number
}

/** A message as it goes out; or the first value that it lacks, as its text names it. */
export type Rendering =
  | { readonly kind: 'whole'; readonly text: string; readonly language: string | null }
  | { readonly kind: 'incomplete'; readonly missing: string }

/** Writes a message out. A value that is not set, not finite or cannot be shown leaves none. */
export function renderMessage(spec: MessageSpec, reader: MessageReader): Rendering {
  const { language, parts } = textFor(spec, reader)
  let text = ''
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part
      continue
    }
    const shown = renderValue(part, reader)
    if (shown === null) return { kind: 'incomplete', missing: missingName(part, reader) }
    text += shown
  }
  return { kind: 'whole', text, language }
}

/** The text in the subscriber's language. */
export function textFor(
  { languageField, texts, textOfCode, defaultText }: MessageSpec,
  reader: Pick<MessageReader, 'has' | 'field'>,
): MessageText {
  if (languageField === null || !reader.has(languageField)) return texts[defaultText]!
  return texts[textOfCode[reader.field(languageField)] ?? defaultText]!
}

/** One value written out; null: it is missing. */
export function renderValue(
  { expression, format }: Placeholder,
  reader: MessageReader,
): string | null {
  const value = reader.measure(expression)
  return formatValue(format, value, format.kind === 'time' ? reader.offsetAt(value) : 0)
}

function missingName({ name, fields }: Placeholder, reader: MessageReader): string {
  const unset = fields.find((field) => !reader.has(field))
  return unset === undefined ? name : `fields.${unset}`
}
