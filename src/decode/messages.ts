import { LIST_NAMES, type ListName } from '../model/expression.ts'
import {
  FEEDBACK_KINDS,
  FEEDBACK_TEXT_LENGTH_MAX,
  type FeedbackKind,
  type FeedbackMessage,
  type FeedbackRow,
  isReceipt,
  type ProfileMessage,
  type ProfileRow,
} from '../model/messages.ts'
import { RejectError } from '../model/reject.ts'
import type { ProducerStamp } from '../model/usage.ts'
import { MESSAGE_SIZE_MAX, TAG_VERSION_MAX, UPSERT_ROWS_MAX } from '../model/wire.ts'
import { Cursor } from './cursor.ts'
import {
  readId,
  readMap,
  readNamed,
  readOneOf,
  readProducer,
  readSubscriber,
  readTimeMs,
  readVersion,
  readWhole,
  readWord,
  readZone,
  requireKeys,
} from './fields.ts'

/*
 * Profile {v, source, epoch, seq, rows: [{sub, tags?, fields?, lists?, zone?, cycle_day?} or
 * {sub, delete: true}]} and feedback {v, source, epoch, seq, rows: [{sub, kind, time, id?,
 * trigger?, channel?, text?, word?}]}: MessagePack maps, keys in any order, each once, no others.
 */

const UPSERT_KEYS = ['v', 'source', 'epoch', 'seq', 'rows'] as const
const PROFILE_ROW_KEYS = ['sub', 'tags', 'fields', 'lists', 'zone', 'cycle_day', 'delete'] as const
const FEEDBACK_ROW_KEYS = [
  'sub',
  'kind',
  'time',
  'id',
  'trigger',
  'channel',
  'text',
  'word',
] as const
const FEEDBACK_REQUIRED_COUNT = 3
/** Tags or fields that one row may set. */
const NAMES_MAX = 256
const FIELD_TEXT_SIZE_MAX = 256
const DELIVERY_ID_SIZE_MAX = 256
/** Ids of triggers, steps of journeys among them, and names of channels. */
const NAME_ID_SIZE_MAX = 128
/** A character has at most 4 bytes. */
const FEEDBACK_TEXT_SIZE_MAX = 4 * FEEDBACK_TEXT_LENGTH_MAX

/**
 * Decodes a message of `profile.<partition>.<producerToken>`.
 * @throws RejectError, and nothing else, when anything at all is wrong with the message
 */
export function decodeProfile(
  data: Uint8Array,
  producerToken: string,
  partition: number,
  partitionCount: number,
): ProfileMessage {
  return decodeUpsert(data, producerToken, (cursor) =>
    readProfileRow(cursor, partition, partitionCount),
  )
}

/**
 * Decodes a message of `feedback.<partition>.<producerToken>`.
 * @throws RejectError, and nothing else, when anything at all is wrong with the message
 */
export function decodeFeedback(
  data: Uint8Array,
  producerToken: string,
  partition: number,
  partitionCount: number,
): FeedbackMessage {
  return decodeUpsert(data, producerToken, (cursor) =>
    readFeedbackRow(cursor, partition, partitionCount),
  )
}

/** A cursor at the start of a message of acceptable size. */
export function openMessage(data: Uint8Array): Cursor {
  if (data.byteLength > MESSAGE_SIZE_MAX) {
    const detail = `${data.byteLength} bytes, at most ${MESSAGE_SIZE_MAX}`
    throw new RejectError('oversized', 'offset 0', detail)
  }
  const cursor = new Cursor()
  cursor.reset(data)
  return cursor
}

function decodeUpsert<Row>(
  data: Uint8Array,
  producerToken: string,
  readRow: (cursor: Cursor) => Row,
): { stamp: ProducerStamp; rows: readonly Row[] } {
  const cursor = openMessage(data)
  const stamp: ProducerStamp = { probe: producerToken, epoch: 0, seq: 0 }
  const rows: Row[] = []
  const seen = readMap(cursor, UPSERT_KEYS, (key) => {
    if (key === 'v') readVersion(cursor)
    else if (key === 'source') stamp.probe = readProducer(cursor, producerToken)
    else if (key === 'epoch') stamp.epoch = readWhole(cursor, 0, Number.MAX_SAFE_INTEGER)
    else if (key === 'seq') stamp.seq = readWhole(cursor, 0, Number.MAX_SAFE_INTEGER)
    else readRows(cursor, rows, readRow)
  })
  cursor.expectEnd()
  requireKeys(cursor, UPSERT_KEYS, UPSERT_KEYS.length, seen)
  return { stamp, rows }
}

function readRows<Row>(cursor: Cursor, rows: Row[], readRow: (cursor: Cursor) => Row): void {
  const rowCount = cursor.readArraySize()
  if (rowCount > UPSERT_ROWS_MAX) {
    throw cursor.reject('oversized', `${rowCount} rows, at most ${UPSERT_ROWS_MAX}`)
  }
  for (let row = 0; row < rowCount; row++) {
    cursor.row = row
    rows.push(readRow(cursor))
  }
  cursor.row = -1
}

function readProfileRow(cursor: Cursor, partition: number, partitionCount: number): ProfileRow {
  let subscriber = 0
  let tags: ProfileRow['tags'] = NOTHING
  let fields: ProfileRow['fields'] = NOTHING
  let lists: ProfileRow['lists'] = NOTHING
  let zone: string | null | undefined
  let cycleDay: number | undefined
  let isDeletion = false
  const seen = readMap(cursor, PROFILE_ROW_KEYS, (key) => {
    switch (key) {
      case 'sub':
        subscriber = readSubscriber(cursor, partition, partitionCount)
        break
      case 'tags':
        tags = readNamed(
          cursor,
          NAMES_MAX,
          () => readWord(cursor),
          () => readTag(cursor),
        )
        break
      case 'fields':
        fields = readNamed(
          cursor,
          NAMES_MAX,
          () => readWord(cursor),
          () => readField(cursor),
        )
        break
      case 'lists':
        lists = readNamed(
          cursor,
          LIST_NAMES.length,
          () => readListName(cursor),
          () => cursor.readBoolean(),
        )
        break
      case 'zone':
        zone = cursor.takeNil() ? null : readZone(cursor)
        break
      case 'cycle_day':
        cycleDay = readWhole(cursor, 1, 31)
        break
      default:
        isDeletion = cursor.readBoolean()
    }
  })
  requireKeys(cursor, PROFILE_ROW_KEYS, 1, seen)
  if (!isDeletion) return { subscriber, tags, fields, lists, zone, cycleDay }
  if (seen === DELETION_SEEN) return deletionOf(subscriber)
  cursor.field = 'delete'
  throw cursor.reject('malformed', 'a row that deletes says nothing else: set in a row after it')
}

/** Keys of a row that deletes, as bits by position: `sub` and `delete`. */
const DELETION_SEEN = 1 | (1 << PROFILE_ROW_KEYS.indexOf('delete'))

function deletionOf(subscriber: number): ProfileRow {
  const nothing = { tags: NOTHING, fields: NOTHING, lists: NOTHING }
  return { subscriber, ...nothing, zone: undefined, cycleDay: undefined, isDeletion: true }
}

/** true, false, a version from 1, or nil, which removes. */
function readTag(cursor: Cursor): boolean | number | null {
  if (cursor.takeNil()) return null
  if (cursor.isBooleanNext()) return cursor.readBoolean()
  return readWhole(cursor, 1, TAG_VERSION_MAX)
}

function readField(cursor: Cursor): number | string | boolean | null {
  if (cursor.takeNil()) return null
  if (cursor.isBooleanNext()) return cursor.readBoolean()
  if (cursor.isStringNext()) return cursor.readString(FIELD_TEXT_SIZE_MAX)
  const value = cursor.readNumber()
  if (Number.isFinite(value)) return value
  const reason = Number.isNaN(value) ? 'not-a-number' : 'out-of-range'
  throw cursor.reject(reason, 'a field is a finite number, a word, a date, true or false')
}

function readListName(cursor: Cursor): ListName {
  const at = cursor.offset
  const name = cursor.readString(FIELD_TEXT_SIZE_MAX)
  const list = LIST_NAMES.find((candidate) => candidate === name)
  if (list !== undefined) return list
  throw cursor.reject('unknown-name', `no such list at offset ${at}: ${LIST_NAMES.join(', ')}`)
}

function readFeedbackRow(cursor: Cursor, partition: number, partitionCount: number): FeedbackRow {
  let subscriber = 0
  let kind: FeedbackKind = 'sent'
  let timeMs = 0
  const rest: { -readonly [Key in RestKey]?: string } = {}
  const seen = readMap(cursor, FEEDBACK_ROW_KEYS, (key) => {
    if (key === 'sub') subscriber = readSubscriber(cursor, partition, partitionCount)
    else if (key === 'kind') kind = readOneOf(cursor, FEEDBACK_KINDS)
    else if (key === 'time') timeMs = readTimeMs(cursor)
    else if (key === 'id') rest.deliveryId = readId(cursor, DELIVERY_ID_SIZE_MAX)
    else if (key === 'trigger' || key === 'channel') rest[key] = readId(cursor, NAME_ID_SIZE_MAX)
    else rest[key] = readReply(cursor)
  })
  requireKeys(cursor, FEEDBACK_ROW_KEYS, FEEDBACK_REQUIRED_COUNT, seen)
  const row: FeedbackRow = { subscriber, kind, timeMs, ...rest }
  checkFeedbackRow(cursor, row)
  return row
}

type RestKey = 'deliveryId' | 'trigger' | 'channel' | 'text' | 'word'

function checkFeedbackRow(cursor: Cursor, row: FeedbackRow): void {
  const { subscriber, kind, deliveryId, text, word } = row
  if (deliveryId !== undefined) {
    const parts = deliveryId.split(':')
    const isWhole = parts.length === 4 || parts.length === 5
    if (!isWhole || parts[1] !== String(subscriber)) {
      cursor.field = 'id'
      throw cursor.reject(
        'malformed',
        'an id is <trigger>:<subscriber>:<period>:<attempt> of this sub, as its delivery has it',
      )
    }
  } else if (isReceipt(kind)) {
    cursor.field = 'id'
    throw cursor.reject('missing-field', 'a receipt is about one delivery and needs its id')
  }
  if (text === undefined && word === undefined) return
  cursor.field = text === undefined ? 'word' : 'text'
  if (kind !== 'replied') throw cursor.reject('malformed', 'only a reply (replied) has words')
  if (text !== undefined && word !== undefined) {
    throw cursor.reject('malformed', 'text is what was replied, word what was read out of it')
  }
  cursor.field = ''
}

function readReply(cursor: Cursor): string {
  const text = cursor.readString(FEEDBACK_TEXT_SIZE_MAX)
  if (text.length <= FEEDBACK_TEXT_LENGTH_MAX) return text
  const length = [...text].length
  if (length <= FEEDBACK_TEXT_LENGTH_MAX) return text
  const detail = `${length} characters, at most ${FEEDBACK_TEXT_LENGTH_MAX}`
  throw cursor.reject('oversized', detail)
}

/** What a row without tags, fields or lists changes; shared and frozen. */
const NOTHING: Readonly<Record<string, never>> = Object.freeze(Object.create(null))
