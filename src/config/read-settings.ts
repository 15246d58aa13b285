/** The YAML of the settings to values: sections of fields, every problem at its place. */

import { isAlias, isMap, isNode, isScalar, type Node, parseDocument } from 'yaml'
import type { ConfigProblem } from '../errors.ts'
import { suggestWord } from '../model/spelling.ts'
import { placeOf } from '../model/text-place.ts'
import { findInlineSecret } from './secrets.ts'
import type { Field } from './setting-fields.ts'

/** Largest `highwater.yaml`, characters. */
export const SETTINGS_LENGTH_MAX = 65_536

/** Sections by name, fields by name within. */
export type SettingsGrammar = {
  readonly [section: string]: { readonly [key: string]: Field<unknown> }
}

/** The values of a grammar; defaults filled in. */
export type ReadSettings<G extends SettingsGrammar> = {
  readonly [S in keyof G]: {
    readonly [K in keyof G[S]]: G[S][K] extends Field<infer T> ? T : never
  }
}

/** Values, the problems so far, and a way to report more at a setting's place. */
export interface SettingsReading<G extends SettingsGrammar> {
  readonly values: ReadSettings<G>
  readonly problems: readonly ConfigProblem[]
  /** `path`: `section.key`. Problems are at the setting if it is in the text, else at the top. */
  readonly report: (path: string, code: string, message: string, suggestion?: string) => void
}

/**
 * Reads a text. An impossible value is reported and replaced by its default, so that reading goes
 * on.
 */
export function readSettings<G extends SettingsGrammar>(
  file: string,
  text: string,
  grammar: G,
): SettingsReading<G> {
  const reader = new SettingsReader(file, text)
  const values: Record<string, Record<string, unknown>> = {}
  const sections = reader.mapping(reader.root(), 'the settings', Object.keys(grammar))
  for (const [section, fields] of Object.entries(grammar)) {
    const node = sections.get(section)
    const entries =
      node === undefined ? new Map() : reader.mapping(node, section, Object.keys(fields))
    values[section] = {}
    for (const [key, field] of Object.entries(fields)) {
      const place = entries.get(key)
      values[section][key] =
        place === undefined ? defaultOf(field) : reader.value(place, `${section}.${key}`, field)
    }
  }
  return {
    values: values as ReadSettings<G>,
    problems: reader.problems,
    report: (path, code, message, suggestion) => reader.reportAt(path, code, message, suggestion),
  }
}

/** What a setting is when the text says nothing. */
export function defaultOf<T>(field: Field<T>): T | null | undefined {
  return field.isOptional ? null : field.convert(field.shownDefault)
}

class SettingsReader {
  readonly problems: ConfigProblem[] = []
  readonly #file: string
  readonly #text: string
  readonly #places = new Map<string, Node>()

  constructor(file: string, text: string) {
    this.#file = file
    this.#text = text
  }

  root(): Node | null {
    if (this.#text.length > SETTINGS_LENGTH_MAX) {
      const message = `${this.#text.length} characters; at most ${SETTINGS_LENGTH_MAX}`
      this.#report(0, 'too-large', message)
      return null
    }
    const document = parseDocument(this.#text, {
      prettyErrors: false,
      version: '1.2',
      schema: 'core',
      strict: true,
    })
    for (const error of [...document.errors, ...document.warnings]) {
      const code = error.code === 'DUPLICATE_KEY' ? 'duplicate-key' : 'yaml-syntax'
      const message =
        error.code === 'DUPLICATE_KEY' ? 'this key was already given above' : error.message
      this.#report(error.pos[0], code, message.split('\n', 1)[0]!)
    }
    return this.problems.length > 0 ? null : document.contents
  }

  /**
   * The values of a mapping by key; unknown keys are problems. An absent or empty mapping has none.
   */
  mapping(node: Node | null, what: string, known: readonly string[]): Map<string, Node> {
    const entries = new Map<string, Node>()
    if (node === null || (isScalar(node) && node.value === null)) return entries
    if (!isMap(node)) {
      const message = `${what} must be a mapping of ${known.join(', ')}`
      this.#report(node.range?.[0] ?? 0, 'wrong-type', message)
      return entries
    }
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue
      const name = String(key.value)
      const place = isNode(value) ? value : key
      if (known.includes(name)) entries.set(name, place)
      else {
        const offset = key.range?.[0] ?? 0
        const secret = findInlineSecret(what, name)
        if (secret !== null) {
          this.#report(offset, 'inline-secret', secret.message, secret.suggestion)
          continue
        }
        const hint = suggestWord(name, known) ?? `known keys: ${known.join(', ')}`
        this.#report(offset, 'unknown-key', `unknown key "${name}" in ${what}`, hint)
      }
    }
    return entries
  }

  value<T>(node: Node, path: string, field: Field<T>): T | null | undefined {
    this.#places.set(path, node)
    if (isAlias(node)) {
      this.reportAt(path, 'yaml-alias', 'aliases are not used in settings: write the value out')
      return defaultOf(field)
    }
    const raw: unknown = node.toJSON()
    if (raw === null && field.isOptional) return null
    const value = field.convert(raw)
    if (value !== undefined) return value
    // What comes before an @ in an address may be a password.
    const shown = JSON.stringify(raw)
      ?.replace(/\/\/[^\s/"]*@/g, '//…@')
      .slice(0, 80)
    const found = field.isPersonal ? 'something else' : shown
    const message = `${path} must be ${field.expects}; found ${found}`
    this.reportAt(path, 'bad-value', message, field.suggest(raw))
    return defaultOf(field)
  }

  reportAt(path: string, code: string, message: string, suggestion?: string): void {
    this.#report(this.#places.get(path)?.range?.[0] ?? 0, code, message, suggestion)
  }

  #report(offset: number, code: string, message: string, suggestion?: string): void {
    const place = { file: this.#file, ...placeOf(this.#text, offset) }
    const hint = suggestion === undefined ? {} : { suggestion }
    this.problems.push({ ...place, code, message, ...hint })
  }
}
