/**
 * Messages of triggers after validation: texts of one or more languages, cut into what stands there
 * and what is filled in. Made by rules/; frozen.
 */

import type { Expression } from './expression.ts'
import type { ValueFormat } from './value-format.ts'

/** A value that is filled in when the message goes out. */
export interface Placeholder {
  /** As the text says it, without its format: `fields.plan`. Names it where it is missing. */
  readonly name: string
  readonly expression: Expression
  /** Fields without which it has no value. */
  readonly fields: readonly string[]
  readonly format: ValueFormat
}

/** The message in one language. */
export interface MessageText {
  /** Null: the only text of a message without languages. */
  readonly language: string | null
  /** As it was written. */
  readonly source: string
  /** One part where nothing is filled in. */
  readonly parts: readonly (string | Placeholder)[]
}

/** What a trigger says. */
export interface MessageSpec {
  /** Enum field whose word chooses the text; null: there is one text. */
  readonly languageField: string | null
  readonly texts: readonly MessageText[]
  /** By code of the field's word: position in `texts`. Words beyond its end have the default. */
  readonly textOfCode: readonly number[]
  /** Position in `texts` of the one for those whose field is unset, or who speak none of them. */
  readonly defaultText: number
  /** Whether some text has a value filled in: then hardly two subscribers get the same. */
  readonly isPersonal: boolean
}

/** A message that says the same to everybody. */
export function plainMessage(text: string): MessageSpec {
  return Object.freeze({
    languageField: null,
    texts: Object.freeze([
      Object.freeze({ language: null, source: text, parts: Object.freeze([text]) }),
    ]),
    textOfCode: Object.freeze([]),
    defaultText: 0,
    isPersonal: false,
  })
}

/** Placeholders of all texts, in their order. */
export function placeholdersOf({ texts }: MessageSpec): readonly Placeholder[] {
  return texts.flatMap(({ parts }) => parts.filter((part) => typeof part !== 'string'))
}

/** The text for whoever has no language, as it was written. */
export function sourceOf({ texts, defaultText }: MessageSpec): string {
  return texts[defaultText]!.source
}
