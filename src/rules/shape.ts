/**
 * Shapes: what a piece of configuration may look like, said once. A shape reads a YAML node
 * (reporting every problem at its place) and describes itself as JSON Schema for editors.
 */

import type { Node, Scalar } from 'yaml'
import { isMap, isNode, isScalar, isSeq } from 'yaml'
import { suggestWord } from '../model/spelling.ts'
import { FORBIDDEN_NAMES, type YamlSource } from './yaml-source.ts'

/** A JSON Schema, as plain data. */
export type JsonSchema = { readonly [key: string]: unknown }

/** Reads a node as T; undefined: it was not one, and the problem is reported. */
export interface Shape<T> {
  read(node: Node, source: YamlSource): T | undefined
  readonly schema: JsonSchema
}

/** A value with the node it came from, for checks that need more than one value. */
export interface Located<T> {
  readonly value: T
  readonly node: Node
}

/** One key of a mapping: its shape, a sentence for people, and what its absence means. */
export interface Key<T> {
  readonly shape: Shape<T>
  readonly doc: string
  readonly isRequired: boolean
  /** The default as it would be written, for documentation. */
  readonly shownDefault?: unknown
}

/** The keys of a mapping by name. */
export type Keys = { readonly [name: string]: Key<unknown> }

/** What a record shape gives: present and well-formed keys only. */
export interface RecordReading<K extends Keys> {
  readonly node: Node
  readonly values: { readonly [P in keyof K]?: K[P] extends Key<infer T> ? T : never }
  /** The node of a key's value; the record itself when the key is absent. */
  at(key: keyof K & string): Node
}

/** A key that must be there. */
export function required<T>(shape: Shape<T>, doc: string): Key<T> {
  return { shape, doc, isRequired: true }
}

/** A key that may be left out; `shownDefault` says what that means, as it would be written. */
export function optional<T>(shape: Shape<T>, doc: string, shownDefault?: unknown): Key<T> {
  return shownDefault === undefined
    ? { shape, doc, isRequired: false }
    : { shape, doc, isRequired: false, shownDefault }
}

/**
 * A mapping with known keys; unknown ones are problems, with the nearest known key as suggestion.
 */
export function recordOf<K extends Keys>(what: string, keys: K): Shape<RecordReading<K>> {
  const names = Object.keys(keys)
  const known = new Map(Object.entries(keys))
  return {
    schema: recordSchema(keys),
    read(node, source) {
      if (!isMap(node)) return refuse(node, source, `${what} must be a mapping of ${list(names)}`)
      const values = new Map<string, unknown>()
      const nodes = new Map<string, Node>()
      for (const pair of node.items) {
        const keyNode = pair.key
        if (!isScalar(keyNode)) continue
        const name = String(keyNode.value)
        const key = known.get(name)
        if (key === undefined) {
          const message = `unknown key "${name}" in ${what}`
          source.report(keyNode, 'unknown-key', message, suggestKey(name, names))
          continue
        }
        const value = isNode(pair.value) ? pair.value : keyNode
        nodes.set(name, value)
        const result = isNode(pair.value) ? key.shape.read(pair.value, source) : undefined
        if (!isNode(pair.value)) source.report(keyNode, 'missing-value', `"${name}" has no value`)
        if (result !== undefined) values.set(name, result)
      }
      for (const [name, key] of known) {
        if (!key.isRequired || nodes.has(name)) continue
        source.report(node, 'missing-key', `${what} needs the key "${name}"`, key.doc)
      }
      return {
        node,
        values: Object.fromEntries(values) as RecordReading<K>['values'],
        at: (key) => nodes.get(key) ?? node,
      }
    },
  }
}

/** How names of counters, tags, fields, parameters and words look. */
export const NAME_PATTERN = /^[a-z][a-z0-9_]{0,62}$/

/** How names of one kind look, and a sentence that says it. */
export interface Naming {
  readonly pattern: RegExp
  readonly advice: string
}

const UNDERSCORED: Naming = {
  pattern: NAME_PATTERN,
  advice:
    'names are lower-case letters, digits and underscores, start with a letter, and have at most 63 characters',
}

/**
 * A mapping from names of one's own choice to values of one shape. Broken entries come as
 * undefined.
 */
export function dictionaryOf<T>(
  what: string,
  shape: Shape<T>,
  countMax: number,
  naming: Naming = UNDERSCORED,
): Shape<ReadonlyMap<string, { readonly key: Node; readonly value: T | undefined }>> {
  return {
    schema: {
      type: 'object',
      propertyNames: { pattern: naming.pattern.source },
      additionalProperties: shape.schema,
      maxProperties: countMax,
    },
    read(node, source) {
      if (isScalar(node) && node.value === null) return new Map()
      if (!isMap(node)) return refuse(node, source, `${what} must be a mapping of names to values`)
      if (node.items.length > countMax) {
        source.report(node, 'too-many', `${node.items.length} ${what}; at most ${countMax}`)
        return undefined
      }
      const entries = new Map<string, { key: Node; value: T | undefined }>()
      for (const pair of node.items) {
        if (!isScalar(pair.key)) continue
        const name = String(pair.key.value)
        if (!naming.pattern.test(name) || FORBIDDEN_NAMES.has(name)) {
          source.report(pair.key, 'bad-name', `"${name.slice(0, 80)}" is no name`, naming.advice)
          continue
        }
        const value = isNode(pair.value) ? shape.read(pair.value, source) : undefined
        if (!isNode(pair.value)) source.report(pair.key, 'missing-value', `"${name}" has no value`)
        entries.set(name, { key: pair.key, value })
      }
      return entries
    },
  }
}

/** A sequence of values of one shape, each with its node; broken ones are left out. */
export function listOf<T>(
  what: string,
  shape: Shape<T>,
  bounds: { readonly min: number; readonly max: number },
): Shape<readonly Located<T>[]> {
  return {
    schema: { type: 'array', items: shape.schema, minItems: bounds.min, maxItems: bounds.max },
    read(node, source) {
      if (!isSeq(node)) return refuse(node, source, `${what} must be a list, like [a, b]`)
      const count = node.items.length
      if (count < bounds.min || count > bounds.max) {
        const message = `${what} has ${count} entries; ${bounds.min} to ${bounds.max} are possible`
        source.report(node, count > bounds.max ? 'too-many' : 'too-few', message)
        return undefined
      }
      const values: Located<T>[] = []
      for (const item of node.items) {
        if (!isNode(item)) continue
        const value = shape.read(item, source)
        if (value !== undefined) values.push({ value, node: item })
      }
      return values
    },
  }
}

/** Keeps the node beside the value. */
export function located<T>(shape: Shape<T>): Shape<Located<T>> {
  return {
    schema: shape.schema,
    read(node, source) {
      const value = shape.read(node, source)
      return value === undefined ? undefined : { value, node }
    },
  }
}

/** Reports that a node is not of the kind wanted. */
export function refuse(
  node: Node,
  source: YamlSource,
  message: string,
  suggestion?: string,
): undefined {
  source.report(node, 'wrong-type', `${message}; found ${describeNode(node)}`, suggestion)
  return undefined
}

/** The scalar behind a node with text in it, or null. */
export function textScalar(node: Node): (Scalar & { readonly value: string }) | null {
  return isScalar(node) && typeof node.value === 'string'
    ? (node as Scalar & { value: string })
    : null
}

function describeNode(node: Node): string {
  if (isMap(node)) return 'a mapping'
  if (isSeq(node)) return 'a list'
  if (!isScalar(node)) return 'something else'
  const { value } = node
  if (value === null) return 'nothing'
  const shown = JSON.stringify(value)?.slice(0, 60) ?? String(value)
  return typeof value === 'string' ? `the text ${shown}` : `the ${typeof value} ${shown}`
}

function suggestKey(name: string, names: readonly string[]): string {
  return suggestWord(name, names) ?? `known keys: ${names.join(', ')}`
}

function list(names: readonly string[]): string {
  return names.length > 6 ? `${names.slice(0, 6).join(', ')}, …` : names.join(', ')
}

function recordSchema(keys: Keys): JsonSchema {
  const properties: Record<string, unknown> = {}
  for (const [name, key] of Object.entries(keys)) {
    const extra = key.shownDefault === undefined ? {} : { default: key.shownDefault }
    properties[name] = { ...key.shape.schema, description: key.doc, ...extra }
  }
  const names = Object.entries(keys)
  const needed = names.filter(([, key]) => key.isRequired).map(([name]) => name)
  const requirement = needed.length === 0 ? {} : { required: needed }
  return { type: 'object', properties, additionalProperties: false, ...requirement }
}
