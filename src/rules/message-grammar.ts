/**
 * The grammar of messages: one text, or one per language; and how a text is cut into what stands
 * there and what is filled in. `{fields.plan}`, `{data.day | MiB .1}`; `{{` and `}}` are braces.
 */

import { isMap, isScalar, type Node } from 'yaml'
import { patternOf, textOf } from './scalar-shapes.ts'
import { type Located, located, optional, refuse, type Shape } from './shape.ts'

/** Longest message text, characters. */
export const MESSAGE_LENGTH_MAX = 1000
/** Languages of one message, and placeholders of one text. */
export const LANGUAGES_MAX = 32
export const PLACEHOLDERS_MAX = 20
/** The key that says which language is the default. */
export const DEFAULT_KEY = 'default'

/** A message as written. */
export type MessageReading =
  | { readonly kind: 'text'; readonly text: Located<string> }
  | {
      readonly kind: 'languages'
      readonly node: Node
      readonly fallback: Located<string> | null
      /** By key, in their order, with the node of the key. */
      readonly texts: ReadonlyMap<string, { readonly key: Node; readonly text: Located<string> }>
    }

const text = textOf(MESSAGE_LENGTH_MAX)

/** A text, or texts by language with the key of the default one. */
export const messageShape: Shape<MessageReading> = {
  schema: {
    anyOf: [
      text.schema,
      {
        type: 'object',
        properties: { [DEFAULT_KEY]: { type: 'string', description: 'Key of the default text.' } },
        required: [DEFAULT_KEY],
        additionalProperties: text.schema,
        maxProperties: LANGUAGES_MAX + 1,
      },
    ],
  },
  read(node, source) {
    if (isScalar(node)) {
      const value = text.read(node, source)
      return value === undefined ? undefined : { kind: 'text', text: { value, node } }
    }
    if (!isMap(node)) {
      return refuse(node, source, 'a text is expected, or texts by language', 'put it in quotes')
    }
    if (node.items.length > LANGUAGES_MAX + 1) {
      source.report(node, 'too-many', `more than ${LANGUAGES_MAX} languages`)
      return undefined
    }
    const texts = new Map<string, { key: Node; text: Located<string> }>()
    let fallback: Located<string> | null = null
    let isWhole = true
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue
      if (!isScalar(value) || value.value === null) {
        const hint = 'a text that begins with a brace stands in quotes'
        source.report(key, 'missing-value', `"${String(key.value).slice(0, 80)}" has no text`, hint)
        isWhole = false
        continue
      }
      const read = text.read(value, source)
      if (read === undefined) isWhole = false
      else if (key.value === DEFAULT_KEY) fallback = { value: read, node: value }
      else texts.set(String(key.value), { key, text: { value: read, node: value } })
    }
    return isWhole ? { kind: 'languages', node, fallback, texts } : undefined
  },
}

/** What is said of messages beside all triggers. */
export const messageCatalogKeys = {
  language: optional(
    located(
      patternOf(
        'a field of the profile',
        /^fields\.[a-z][a-z0-9_]{0,62}$/,
        'an enum field, like fields.lang',
      ),
    ),
    'The enum field whose word chooses the text of messages in several languages.',
  ),
}

/** A piece of a text as it was written; indexes count its UTF-16 units. */
export type TemplatePiece =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'value'
      readonly expression: string
      /** Where the expression begins. */
      readonly index: number
      readonly format: string | null
      readonly formatIndex: number
    }

/** Reports a problem at a character of the text. */
export type ReportInText = (
  index: number,
  code: string,
  message: string,
  suggestion?: string,
) => void

/** Cuts a text into pieces; null after reporting the first brace that is wrong. */
export function parseTemplate(source: string, report: ReportInText): TemplatePiece[] | null {
  const pieces: TemplatePiece[] = []
  let plain = ''
  let at = 0
  let count = 0
  while (at < source.length) {
    const character = source[at]!
    if (character !== '{' && character !== '}') {
      plain += character
      at += 1
      continue
    }
    if (source[at + 1] === character) {
      plain += character
      at += 2
      continue
    }
    if (character === '}') {
      report(at, 'unbalanced-brace', 'no { stands before this }', 'write }} for a brace itself')
      return null
    }
    const end = endOfPlaceholder(source, at, report)
    if (end === null) return null
    count += 1
    if (count > PLACEHOLDERS_MAX) {
      report(at, 'too-many', `more than ${PLACEHOLDERS_MAX} values in one text`)
      return null
    }
    if (plain !== '') pieces.push({ kind: 'text', text: plain })
    plain = ''
    pieces.push(pieceOf(source, at + 1, end))
    at = end + 1
  }
  if (plain !== '') pieces.push({ kind: 'text', text: plain })
  return pieces
}

/** Where the brace that opens at `start` is closed; null after reporting that it is not. */
function endOfPlaceholder(source: string, start: number, report: ReportInText): number | null {
  const end = source.indexOf('}', start)
  const next = source.indexOf('{', start + 1)
  if (end === -1 || (next !== -1 && next < end)) {
    report(start, 'unbalanced-brace', 'this { is never closed', 'write {{ for a brace itself')
    return null
  }
  if (source.slice(start + 1, end).trim() !== '') return end
  report(start, 'unbalanced-brace', 'nothing stands between { and }', 'like {fields.plan}')
  return null
}

/** Splits at the last single `|`: two of them are an operator of the expression. */
function pieceOf(source: string, start: number, end: number): TemplatePiece {
  let bar = -1
  for (let i = start; i < end; i++) {
    if (source[i] === '|' && source[i - 1] !== '|' && source[i + 1] !== '|') bar = i
  }
  const stop = bar === -1 ? end : bar
  const written = source.slice(start, stop)
  const index = start + written.length - written.trimStart().length
  const format = bar === -1 ? null : source.slice(bar + 1, end).trim()
  return { kind: 'value', expression: written.trim(), index, format, formatIndex: stop + 1 }
}
