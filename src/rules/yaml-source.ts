/**
 * YAML texts with positions: parsing within bounds, refusal of what configurations have no use for
 * (aliases, tags, prototype names), and the way back from a character of a value to line and
 * column.
 */

import type { CST, Document, Node, Scalar } from 'yaml'
import { Composer, isAlias, isMap, isNode, isScalar, isSeq, Parser } from 'yaml'
import type { ConfigProblem } from '../errors.ts'
import { placeOf } from '../model/text-place.ts'

/** Nesting of collections; real configurations use four levels. */
export const YAML_DEPTH_MAX = 16

/** Problems reported at most; a text with more is not worth reading further. */
export const PROBLEMS_MAX = 200

/**
 * Names that mean something to JavaScript objects; refused wherever a configuration names things.
 */
export const FORBIDDEN_NAMES: ReadonlySet<string> = new Set([
  '__proto__',
  'constructor',
  'prototype',
])

/**
 * One file while it is being read. Collects problems; `problems` is shared by all files of a
 * catalog.
 */
export class YamlSource {
  readonly file: string
  readonly text: string
  readonly problems: ConfigProblem[]

  constructor(file: string, text: string, problems: ConfigProblem[]) {
    this.file = file
    this.text = text
    this.problems = problems
  }

  /** Reports a problem at a character offset of the text. */
  reportAt(offset: number, code: string, message: string, suggestion?: string): void {
    if (this.problems.length >= PROBLEMS_MAX) return
    const hint = suggestion === undefined ? {} : { suggestion }
    this.problems.push({ file: this.file, ...placeOf(this.text, offset), code, message, ...hint })
  }

  /** Reports a problem at the start of a node. */
  report(node: Node, code: string, message: string, suggestion?: string): void {
    this.reportAt(node.range?.[0] ?? 0, code, message, suggestion)
  }

  /**
   * Parses the text. Null when it is not well-formed, or holds what is refused: the problems say
   * where. A document without content counts as absent.
   */
  parse(): readonly Node[] | null {
    const countBefore = this.problems.length
    const contents: Node[] = []
    for (const document of this.#parseDocuments()) {
      for (const error of document.errors) {
        this.reportAt(error.pos[0], 'yaml-syntax', describeYamlError(error.code, error.message))
      }
      for (const warning of document.warnings) {
        this.reportAt(warning.pos[0], 'yaml-unsupported', firstLine(warning.message))
      }
      // What follows a syntax error is a guess of the parser's: not worth judging.
      if (document.errors.length > 0) continue
      if (document.contents === null || isEmptyScalar(document.contents)) continue
      this.#refuseExtras(document.contents)
      contents.push(document.contents)
    }
    return this.problems.length === countBefore ? contents : null
  }

  /**
   * Offset in the text of the character `index` of a scalar's value. Exact for all but exotic
   * escapes.
   */
  offsetInScalar(node: Scalar, index: number): number {
    const [start, end] = node.range ?? [0, 0]
    const value = String(node.value)
    // White space is folded, indented and stripped by YAML, all other characters keep their order:
    // the n-th visible character of the value is the n-th visible one of the source.
    let visibleBefore = 0
    for (let i = 0; i < index && i < value.length; i++) if (!isBlank(value[i]!)) visibleBefore++
    let cursor = start + openingLength(this.text.slice(start, end), node.type)
    for (;;) {
      const unit = readUnit(this.text, cursor, node.type)
      const isPastEnd = cursor >= end
      if (isPastEnd || (!unit.isBlank && visibleBefore-- === 0)) return Math.min(cursor, end)
      cursor += unit.length
    }
  }

  /**
   * The parser keeps its own stack, the composer recurses: depth is checked between them, so that
   * no text can exhaust the machine's stack and every machine comes to the same answer.
   */
  #parseDocuments(): readonly Document[] {
    const tokens = [...new Parser().parse(this.text)]
    const deepOffset = offsetTooDeep(tokens)
    if (deepOffset !== null) {
      this.reportAt(deepOffset, 'yaml-depth', `nesting is deeper than ${YAML_DEPTH_MAX} levels`)
      return []
    }
    const composer = new Composer({
      prettyErrors: false,
      version: '1.2',
      schema: 'core',
      merge: false,
      strict: true,
      // The library compares every key with every other; ours below does not.
      uniqueKeys: false,
    })
    return [...composer.compose(tokens, true, this.text.length)]
  }

  #refuseExtras(node: unknown): void {
    if (!isNode(node)) return
    if (isAlias(node)) {
      this.report(node, 'yaml-alias', 'aliases are not used in configurations: write the value out')
      return
    }
    if (node.anchor !== undefined) {
      this.report(node, 'yaml-alias', 'anchors are not used in configurations: write the value out')
    }
    if (isSeq(node)) for (const item of node.items) this.#refuseExtras(item)
    if (!isMap(node)) return
    const keys = new Set<string>()
    for (const pair of node.items) {
      this.#refuseExtras(pair.key)
      this.#refuseExtras(pair.value)
      this.#refuseKey(pair.key, keys)
    }
  }

  #refuseKey(key: unknown, keys: Set<string>): void {
    if (!isNode(key) || isAlias(key)) return
    if (!isScalar(key)) {
      this.report(key, 'wrong-type', 'a key must be a plain word')
      return
    }
    const name = String(key.value)
    if (FORBIDDEN_NAMES.has(name)) {
      this.report(key, 'bad-name', `"${name}" cannot be used as a name`)
    }
    if (keys.has(name)) this.report(key, 'duplicate-key', `"${name}" was already given above`)
    keys.add(name)
  }
}

/** Where a collection opens below more than YAML_DEPTH_MAX others; null when none does. */
function offsetTooDeep(tokens: readonly CST.Token[]): number | null {
  const pending = tokens.map((token) => ({ token, depth: 0 }))
  for (;;) {
    const next = pending.pop()
    if (next === undefined) return null
    const { token, depth } = next
    if (depth > YAML_DEPTH_MAX) return token.offset
    if (token.type === 'document' && token.value !== undefined) {
      pending.push({ token: token.value, depth })
    }
    if (!('items' in token)) continue
    for (const item of token.items) {
      if (item.key) pending.push({ token: item.key, depth: depth + 1 })
      if (item.value) pending.push({ token: item.value, depth: depth + 1 })
    }
  }
}

function describeYamlError(code: string, message: string): string {
  return code === 'TAB_AS_INDENT' ? 'indent with spaces, not with tabs' : firstLine(message)
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.slice(0, 200)
}

function isEmptyScalar(node: Node): boolean {
  return isScalar(node) && node.value === null && (node.source ?? '') === ''
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r'
}

/** Characters before the value's first: a quote, or the header line of a block scalar. */
function openingLength(source: string, type: Scalar.Type | undefined | null): number {
  if (type === 'QUOTE_SINGLE' || type === 'QUOTE_DOUBLE') return 1
  if (type !== 'BLOCK_LITERAL' && type !== 'BLOCK_FOLDED') return 0
  const lineEnd = source.indexOf('\n')
  return lineEnd < 0 ? source.length : lineEnd + 1
}

/** One character as YAML writes it in that style; escapes of white space count as white space. */
function readUnit(
  text: string,
  offset: number,
  type: Scalar.Type | undefined | null,
): { readonly length: number; readonly isBlank: boolean } {
  const character = text[offset] ?? ''
  if (type === 'QUOTE_SINGLE' && character === "'") return { length: 2, isBlank: false }
  if (type !== 'QUOTE_DOUBLE' || character !== '\\') {
    return { length: 1, isBlank: isBlank(character) }
  }
  const escaped = text[offset + 1] ?? ''
  const hexLength = { x: 2, u: 4, U: 8 }[escaped] ?? 0
  return { length: 2 + hexLength, isBlank: ' \n\r\tnrt'.includes(escaped) }
}
