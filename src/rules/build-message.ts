/**
 * A message from its reading: texts cut into parts, values compiled, what never changes written
 * out, languages matched with the words of their field. What is wrong is reported at its character.
 */

import type { Scalar } from 'yaml'
import type { FieldSpec } from '../model/catalog.ts'
import type { Expression } from '../model/expression.ts'
import {
  type MessageSpec,
  type MessageText,
  type Placeholder,
  plainMessage,
} from '../model/message.ts'
import { suggestWord } from '../model/spelling.ts'
import {
  type FormatProblem,
  formatValue,
  type NumberTraits,
  parseNumberFormat,
  parsePattern,
  type ValueFormat,
} from '../model/value-format.ts'
import { compileValue, type ShownValue } from './condition.ts'
import {
  DEFAULT_KEY,
  type MessageReading,
  parseTemplate,
  type ReportInText,
  type TemplatePiece,
} from './message-grammar.ts'
import type { NameTable } from './names.ts'
import { fieldsNeeded } from './references.ts'
import type { Located } from './shape.ts'
import type { YamlSource } from './yaml-source.ts'

/** What people call the number that a message goes to. */
const SUBSCRIBER_WORDS: ReadonlySet<string> = new Set(['sub', 'subscriber', 'msisdn', 'number'])

/** What a message is built with. */
export interface MessageContext {
  readonly names: NameTable
  readonly source: YamlSource
}

/** The field that `language` names; null after reporting that there is no such enum. */
export function findLanguage(
  { value, node }: Located<string>,
  fields: NameTable['fields'],
  isComplete: boolean,
  source: YamlSource,
): FieldSpec | null {
  const name = value.slice('fields.'.length)
  const field = fields.get(name)
  if (field?.type === 'enum') return field
  if (field) {
    const message = `a language is a word of an enum; ${name} is of type ${field.type}`
    source.report(node, 'wrong-type', message, `declare ${name}: {type: enum, words: [zh, en]}`)
  } else if (field === undefined && isComplete) {
    const declared = [...fields.keys()].slice(0, 12).join(', ') || 'none'
    const hint = suggestWord(name, fields.keys()) ?? `declared in fields: ${declared}`
    source.report(node, 'unknown-field', `there is no field "${name}"`, hint)
  }
  return null
}

/** The message; null after reporting what is wrong with it. */
export function buildMessage(reading: MessageReading, context: MessageContext): MessageSpec | null {
  if (reading.kind === 'text') {
    const text = buildText(reading.text, null, context)
    if (text === null) return null
    const isPersonal = hasValues(text)
    return Object.freeze({ ...plainMessage(''), texts: Object.freeze([text]), isPersonal })
  }
  const { source, names } = context
  const { language } = names
  const texts: MessageText[] = []
  let isWhole = true
  for (const [key, { text }] of reading.texts) {
    const built = buildText(text, key, context)
    if (built === null) isWhole = false
    else texts.push(built)
  }
  if (language === undefined) {
    const message = 'a message in several languages needs the field that chooses one'
    source.report(reading.node, 'no-language', message, 'declare language: fields.<name>')
    return null
  }
  const fallback = findDefault(reading, source)
  if (language === null || !areWords(reading, language, source)) return null
  if (fallback === null || !isWhole) return null
  const positions = new Map(texts.map((text, position) => [text.language, position]))
  const defaultText = positions.get(fallback)!
  return Object.freeze({
    languageField: language.name,
    texts: Object.freeze(texts),
    textOfCode: Object.freeze(language.words.map((word) => positions.get(word) ?? defaultText)),
    defaultText,
    isPersonal: texts.some(hasValues),
  })
}

function hasValues({ parts }: MessageText): boolean {
  return parts.some((part) => typeof part !== 'string')
}

type LanguagesReading = MessageReading & { readonly kind: 'languages' }

/** The key of the default text, or null after reporting. */
function findDefault(reading: LanguagesReading, source: YamlSource): string | null {
  const { fallback, texts, node } = reading
  const keys = [...texts.keys()]
  if (fallback === null) {
    const message = `a message in several languages needs the key "${DEFAULT_KEY}"`
    const hint = `${DEFAULT_KEY}: ${keys[0] ?? 'en'}, for those whose language is not known`
    source.report(node, 'missing-key', message, hint)
    return null
  }
  if (texts.has(fallback.value)) return fallback.value
  const message = `there is no text for the default language "${fallback.value.slice(0, 80)}"`
  const hint = suggestWord(fallback.value, keys) ?? `texts: ${keys.join(', ') || 'none'}`
  source.report(fallback.node, 'unknown-language', message, hint)
  return null
}

function areWords(reading: LanguagesReading, field: FieldSpec, source: YamlSource): boolean {
  let isKnown = true
  for (const [word, { key }] of reading.texts) {
    if (field.words.includes(word)) continue
    isKnown = false
    const message = `"${word.slice(0, 80)}" is no word of fields.${field.name}`
    const hint = suggestWord(word, field.words) ?? `one of: ${field.words.join(', ')}`
    source.report(key, 'unknown-language', message, hint.slice(0, 300))
  }
  return isKnown
}

function buildText(
  { value, node }: Located<string>,
  language: string | null,
  { names, source }: MessageContext,
): MessageText | null {
  const report: ReportInText = (index, code, message, suggestion) => {
    source.reportAt(source.offsetInScalar(node as Scalar, index), code, message, suggestion)
  }
  const pieces = parseTemplate(value, report)
  if (pieces === null) return null
  const parts: (string | Placeholder)[] = []
  let isWhole = true
  for (const piece of pieces) {
    const part = piece.kind === 'text' ? piece.text : buildPlaceholder(piece, names, report)
    if (part === null) isWhole = false
    else if (typeof part === 'string' && typeof parts.at(-1) === 'string')
      parts.push(parts.pop() + part)
    else parts.push(part)
  }
  if (!isWhole) return null
  return Object.freeze({ language, source: value, parts: Object.freeze(parts) })
}

type ValuePiece = TemplatePiece & { readonly kind: 'value' }

/** A placeholder, or its text where that is always the same; null after reporting. */
function buildPlaceholder(
  piece: ValuePiece,
  names: NameTable,
  report: ReportInText,
): Placeholder | string | null {
  const { expression: name, index, format: formatText, formatIndex } = piece
  if (SUBSCRIBER_WORDS.has(name)) {
    const message = 'a message does not hold the number that it goes to'
    report(index, 'forbidden-name', message, 'leave it out: whoever sends it has the number')
    return null
  }
  const typed = compileValue(name, names, (at, code, message, hint) =>
    report(index + at, code, message, hint),
  )
  if (typed === null) return null
  const format = formatOf(typed, formatText, names)
  if ('message' in format) {
    const place = formatText === null ? index : formatIndex
    report(place, 'wrong-format', format.message, format.hint)
    return null
  }
  const expression = typed.node
  if (expression.kind === 'number') {
    const text = formatValue(format, expression.value, 0)
    if (text !== null) return text
    const message = `${name} is always ${expression.value}, which this format cannot show`
    report(index, 'wrong-format', message, 'leave max out, or choose another unit')
    return null
  }
  const fields = Object.freeze([...fieldsNeeded(expression)])
  return Object.freeze({ name, expression, fields, format: Object.freeze(format) })
}

function formatOf(
  typed: ShownValue,
  text: string | null,
  names: NameTable,
): ValueFormat | FormatProblem {
  if (typed.type === 'enum') {
    if (text === null) return { kind: 'word', words: typed.field.words }
    const message = `words of fields.${typed.field.name} are shown as they are`
    return { message, hint: 'leave the format out' }
  }
  if (typed.type === 'date') return parsePattern('date', text)
  const counter = typed.node.kind === 'counter' ? names.counters.get(typed.node.counter) : null
  if (counter?.aggregate === 'last-time') return parsePattern('time', text)
  return parseNumberFormat(text, traitsOf(typed.node, counter?.aggregate ?? null))
}

type Aggregate = NonNullable<ReturnType<NameTable['counters']['get']>>['aggregate']

function traitsOf(node: Expression, aggregate: Aggregate | null): NumberTraits {
  switch (aggregate) {
    case 'sum':
    case 'max':
      return { isSigned: false, measures: 'bytes' }
    case 'dwell':
      return { isSigned: false, measures: 'ms' }
    case 'count':
    case 'distinct-days':
    case 'distinct-apps':
      return { isSigned: false, measures: 'count' }
    default:
      return { isSigned: node.kind !== 'number' || node.value < 0, measures: null }
  }
}
