/** The YAML of the settings to values: sections of fields, every problem at its place. */

import { isAlias, isMap, isNode, isScalar, type Node, parseDocument } from 'yaml'
import type { ConfigProblem } from '../errors.ts'
import { suggestWord } from '../model/spelling.ts'
import { placeOf } from '../model/text-place.ts'
import { findInlineSecret } from './secrets.ts'
import type { Field } from './setting-fields.ts'

/** Largest `highwater.yaml`, characters. */
export const SETTINGS_LENGTH_MAX = 65_536

/**
 * Things of several kinds that a text names itself, each a mapping with a `kind` and the fields of
 * that kind. No field has a default that is impossible, but for those that must be there: null.
 */
export interface NamedGrammar {
  readonly what: string
  readonly namePattern: RegExp
  readonly countMax: number
  readonly kinds: { readonly [kind: string]: { readonly [key: string]: Field<unknown> } }
}

/** One of them, as read. */
export interface NamedValues {
  readonly name: string
  readonly kind: string
  readonly [key: string]: unknown
}

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
  /** What the named grammars read, by their path: `section.key`. */
  readonly named: Readonly<Record<string, readonly NamedValues[]>>
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
  namedGrammars: Readonly<Record<string, NamedGrammar>> = {},
): SettingsReading<G> {
  const reader = new SettingsReader(file, text)
  const values: Record<string, Record<string, unknown>> = {}
  const named: Record<string, readonly NamedValues[]> = {}
  const sections = reader.mapping(reader.root(), 'the settings', Object.keys(grammar))
  for (const [section, fields] of Object.entries(grammar)) {
    const node = sections.get(section)
    const namedKeys = Object.keys(namedGrammars).flatMap((path) => {
      return path.startsWith(`${section}.`) ? [path.slice(section.length + 1)] : []
    })
    const known = [...Object.keys(fields), ...namedKeys]
    const entries: Map<string, Node> =
      node === undefined ? new Map() : reader.mapping(node, section, known)
    for (const key of namedKeys) {
      const path = `${section}.${key}`
      named[path] = reader.named(entries.get(key) ?? null, path, namedGrammars[path]!)
    }
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
    named,
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

  /** Things that the text names; those of no known kind are reported and left out. */
  named(node: Node | null, path: string, grammar: NamedGrammar): readonly NamedValues[] {
    const { what, namePattern, countMax, kinds } = grammar
    const all: NamedValues[] = []
    if (node === null || (isScalar(node) && node.value === null)) return all
    if (!isMap(node)) {
      const message = `${path} must be a mapping: the name of ${what}, and its settings`
      this.#report(node.range?.[0] ?? 0, 'wrong-type', message)
      return all
    }
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue
      const name = String(key.value)
      const offset = key.range?.[0] ?? 0
      if (!namePattern.test(name)) {
        const message = `the name of ${what} is 1 to 32 of A-Z a-z 0-9 _ -`
        this.#report(offset, 'bad-name', message)
      } else if (all.length >= countMax) {
        this.#report(offset, 'too-many', `${path} has more than ${countMax}`)
      } else if (!isMap(value)) {
        this.#report(offset, 'wrong-type', `${path}.${name} must be a mapping with its kind`)
      } else {
        const read = this.#oneNamed(value, `${path}.${name}`, name, kinds)
        if (read !== null) all.push(read)
      }
    }
    return all
  }

  #oneNamed(
    node: Node,
    path: string,
    name: string,
    kinds: NamedGrammar['kinds'],
  ): NamedValues | null {
    const kind: unknown = isMap(node) ? node.get('kind') : undefined
    const fields = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
    const words = Object.keys(kinds)
    if (fields === undefined) {
      const message = `${path}.kind must be one of ${words.join(', ')}`
      const hint = kind === undefined ? undefined : suggestWord(String(kind), words)
      this.#report(node.range?.[0] ?? 0, 'bad-value', message, hint ?? undefined)
      return null
    }
    const entries = this.mapping(node, `${path}, of kind ${kind},`, [
      'kind',
      ...Object.keys(fields),
    ])
    const values: Record<string, unknown> = {}
    for (const [key, field] of Object.entries(fields)) {
      const place = entries.get(key)
      const value =
        place === undefined ? defaultOf(field) : this.value(place, `${path}.${key}`, field)
      if (place === undefined && !field.isOptional && field.shownDefault === null) {
        const message = `${path}.${key} is missing: ${field.expects}`
        this.#report(node.range?.[0] ?? 0, 'missing-key', message)
      }
      values[key] = value
    }
    return { ...values, name, kind: String(kind) }
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
