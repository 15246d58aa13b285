import { SUBSCRIBER_MAX } from '../model/usage.ts'
import { PRODUCER_NAME, partitionOf, TIME_MAX_MS, WIRE_VERSION } from '../model/wire.ts'
import type { Cursor } from './cursor.ts'
import { wholeProblem } from './number.ts'

/*
 * Reads single values of profile, feedback and control messages, each with the checks that every
 * such value needs. All throw RejectError at the cursor's position.
 */

/** Names of tags and fields: CEL identifiers, and none that every JavaScript object already has. */
const WORD = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/
const OBJECT_NAMES = new Set(Object.getOwnPropertyNames(Object.prototype).concat('prototype'))
const PRINTABLE = /^[\x21-\x7e]+$/
const ZONE = /^[A-Za-z0-9_+/-]+$/
const NAME_SIZE_MAX = 64

/** Keys of one map at most: the bits of a whole number that a double holds exactly. */
export const KEYS_MAX = 53

/** Whether the key at `index` is among those that `readMap` saw. */
export function isKeySeen(seen: number, index: number): boolean {
  return Math.floor(seen / 2 ** index) % 2 === 1
}

/**
 * Reads a map whose keys are all in `known`, each at most once, and calls `readValue` for each key
 * with the cursor before its value. Returns the keys seen as the bits of a whole number, by
 * position in `known`, which holds at most KEYS_MAX; see `isKeySeen`.
 */
export function readMap<Key extends string>(
  cursor: Cursor,
  known: readonly Key[],
  readValue: (key: Key) => void,
): number {
  const { root, row, field } = cursor
  const entryCount = cursor.readMapSize()
  let seen = 0
  for (let i = 0; i < entryCount; i++) {
    const at = cursor.offset
    const key = cursor.readString(NAME_SIZE_MAX)
    const index = known.indexOf(key as Key)
    if (index < 0) {
      cursor.offset = at
      throw cursor.reject('unknown-name', `unknown key at offset ${at}`)
    }
    if (isKeySeen(seen, index)) throw cursor.reject('malformed', `key ${key} twice`)
    seen += 2 ** index
    if (root === '') cursor.root = key
    else cursor.field = field === '' ? key : `${field}.${key}`
    readValue(known[index]!)
    cursor.root = root
    cursor.row = row
    cursor.field = field
  }
  return seen
}

/** Refuses a map that lacks one of the first `requiredCount` keys of `known`. */
export function requireKeys(
  cursor: Cursor,
  known: readonly string[],
  requiredCount: number,
  seen: number,
): void {
  for (let i = 0; i < requiredCount; i++) {
    if (isKeySeen(seen, i)) continue
    if (cursor.root === '') cursor.root = known[i]!
    else cursor.field = known[i]!
    throw cursor.reject('missing-field', 'must be there')
  }
}

/**
 * Reads a map of free names, at most `countMax`, with values read by `readValue`; a null-prototype
 * object.
 */
export function readNamed<T>(
  cursor: Cursor,
  countMax: number,
  readName: () => string,
  readValue: () => T,
): Record<string, T> {
  const result: Record<string, T> = Object.create(null)
  const entryCount = cursor.readMapSize()
  if (entryCount > countMax) {
    throw cursor.reject('oversized', `${entryCount} entries, at most ${countMax}`)
  }
  for (let i = 0; i < entryCount; i++) {
    const name = readName()
    if (name in result) throw cursor.reject('malformed', 'the same name twice')
    cursor.entry = name
    result[name] = readValue()
    cursor.entry = ''
  }
  return result
}

/** Reads the name of a tag or field. */
export function readWord(cursor: Cursor): string {
  const at = cursor.offset
  const name = cursor.readString(NAME_SIZE_MAX)
  if (WORD.test(name) && !OBJECT_NAMES.has(name)) return name
  throw cursor.reject('unknown-name', `not a name at offset ${at}`)
}

/** Reads a whole number within [min, max]. */
export function readWhole(cursor: Cursor, min: number, max: number): number {
  const value = cursor.readNumber()
  const problem = wholeProblem(value, min, max)
  if (problem === null) return value
  throw cursor.reject(problem, `must be whole, ${min} to ${max}`)
}

/** Reads an instant, whole ms since the Unix epoch. */
export function readTimeMs(cursor: Cursor): number {
  return readWhole(cursor, 0, TIME_MAX_MS)
}

/** Reads `v`. */
export function readVersion(cursor: Cursor): void {
  const version = cursor.readNumber()
  if (version === WIRE_VERSION) return
  throw cursor.reject('unsupported-version', `version ${version}, known is ${WIRE_VERSION}`)
}

/** Reads a subscriber number that belongs to the partition. */
export function readSubscriber(cursor: Cursor, partition: number, partitionCount: number): number {
  const subscriber = readSubscriberNumber(cursor)
  if (partitionOf(subscriber, partitionCount) === partition) return subscriber
  throw cursor.reject('wrong-partition', 'this subscriber belongs to another partition')
}

/** Reads a subscriber number of whatever partition. */
export function readSubscriberNumber(cursor: Cursor): number {
  const subscriber = cursor.readNumber()
  const problem = wholeProblem(subscriber, 1, SUBSCRIBER_MAX)
  if (problem === null) return subscriber
  throw cursor.reject(problem, 'a subscriber is a whole number of 1 to 15 digits')
}

/** Reads the name of a producer that must be the subject's token. */
export function readProducer(cursor: Cursor, producerToken: string): string {
  const name = readProducerName(cursor)
  if (name === producerToken) return name
  throw cursor.reject('foreign-producer', 'the name differs from the subject')
}

/** Reads the name of a probe, source or writer. */
export function readProducerName(cursor: Cursor): string {
  const name = cursor.readString(NAME_SIZE_MAX)
  if (PRODUCER_NAME.test(name)) return name
  throw cursor.reject('malformed', 'a name is 1 to 64 of A-Z a-z 0-9 _ -')
}

/** Reads an id: printable ASCII without spaces. */
export function readId(cursor: Cursor, sizeMax: number): string {
  const id = cursor.readString(sizeMax)
  if (PRINTABLE.test(id)) return id
  throw cursor.reject('malformed', 'an id is printable ASCII without spaces')
}

/** Reads the name of a time zone; whether the zone exists is judged elsewhere. */
export function readZone(cursor: Cursor): string {
  const zone = cursor.readString(NAME_SIZE_MAX)
  if (ZONE.test(zone)) return zone
  throw cursor.reject('malformed', 'not the name of a time zone')
}

/** Reads one of some words. */
export function readOneOf<T extends string>(cursor: Cursor, words: readonly T[]): T {
  const text = cursor.readString(NAME_SIZE_MAX)
  const word = words.find((candidate) => candidate === text)
  if (word !== undefined) return word
  throw cursor.reject('unknown-kind', `known are ${words.join(', ')}`)
}
