import { assert } from '../errors.ts'
import type { ConfigFiles } from '../model/catalog.ts'
import type { ClockMode, ControlMessage, ShownRow } from '../model/messages.ts'
import {
  ERASE_SUBSCRIBERS_MAX,
  GENERATION_MAX,
  MESSAGE_SIZE_MAX,
  PARTITION_COUNT_MAX,
} from '../model/wire.ts'
import {
  CAPACITY_KEYS,
  CAPACITY_KEYS_OF_KIND,
  type CapacityDraft,
  emptyCapacityDraft,
  finishCapacity,
  readCapacityValue,
} from './control-capacity.ts'
import { DIRECT_KEYS, DIRECT_KEYS_OF_KIND, finishDirect, readNoticeText } from './control-direct.ts'
import { finishAccept, OFFER_KEYS, OFFER_KEYS_OF_KIND, readShownRows } from './control-offer.ts'
import {
  emptySelectionDraft,
  finishSelection,
  readSelectionValue,
  SELECTION_KEYS,
  SELECTION_KEYS_OF_KIND,
  type SelectionDraft,
} from './control-selection.ts'
import type { Cursor } from './cursor.ts'
import {
  isKeySeen,
  KEYS_MAX,
  readId,
  readMap,
  readNamed,
  readOneOf,
  readProducerName,
  readSubscriberNumber,
  readTimeMs,
  readVersion,
  readWhole,
  readZone,
  requireKeys,
} from './fields.ts'
import { openMessage } from './messages.ts'

/*
 * Control: {v, kind, id, …}. genesis: partitions, partition, zone, clock {mode, writer?, start?},
 * generation, files; config: generation, files; tick: writer?, time?; erase: sub or subs; cancel:
 * one or more of trigger, channel, sub; select, tally, cut: see control-selection.ts; ask, grant:
 * see control-capacity.ts; shown, accept: see control-offer.ts; test, notice: see
 * control-direct.ts. Keys in any order, each once, no others.
 */

const CONTROL_KEYS = [
  'v',
  'kind',
  'id',
  'generation',
  'files',
  'partitions',
  'partition',
  'zone',
  'clock',
  'writer',
  'time',
  'sub',
  'subs',
  'trigger',
  ...SELECTION_KEYS,
  ...CAPACITY_KEYS,
  ...OFFER_KEYS,
  ...DIRECT_KEYS,
] as const
// Which keys a message has is told by the bits of one number.
assert(CONTROL_KEYS.length <= KEYS_MAX)
const CONTROL_KINDS = [
  'genesis',
  'config',
  'tick',
  'erase',
  'cancel',
  'select',
  'tally',
  'cut',
  'ask',
  'grant',
  'shown',
  'accept',
  'test',
  'notice',
] as const
/** Keys that each kind must have, and may have, beside v, kind and id. */
const KEYS_OF_KIND = {
  genesis: {
    required: ['generation', 'files', 'partitions', 'partition', 'zone', 'clock'],
    allowed: [],
  },
  config: { required: ['generation', 'files'], allowed: [] },
  tick: { required: [], allowed: ['writer', 'time'] },
  erase: { required: [], allowed: ['sub', 'subs'] },
  cancel: { required: [], allowed: ['trigger', 'channel', 'sub'] },
  ...SELECTION_KEYS_OF_KIND,
  ...CAPACITY_KEYS_OF_KIND,
  ...OFFER_KEYS_OF_KIND,
  ...DIRECT_KEYS_OF_KIND,
} as const
const CLOCK_KEYS = ['mode', 'writer', 'start'] as const
const CLOCK_MODES = ['real', 'virtual'] as const
const ID_SIZE_MAX = 128
const FILES_MAX = 4_096
const PATH_SIZE_MAX = 200
/**
 * Segments of letters, digits, dot, dash and underscore that do not begin with a dot; the last has
 * an extension.
 */
const PATH = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/)*[A-Za-z0-9_][A-Za-z0-9_-]*\.[A-Za-z0-9._-]+$/

/** Values as read, before it is known which kind they belong to. */
interface Draft {
  kind: (typeof CONTROL_KINDS)[number]
  id: string
  generation: number
  files: ConfigFiles
  partitionCount: number
  partition: number
  zone: string
  clock: ClockMode
  writer: string | null
  timeMs: number | null
  sub: number | null
  subs: readonly number[] | null
  trigger: string | null
  rows: readonly ShownRow[]
  message: string
  readonly selection: SelectionDraft
  readonly capacity: CapacityDraft
}

/**
 * Decodes a message of `control.<p>`. Files come sorted by path; whether their texts make sense is
 * judged elsewhere.
 * @throws RejectError, and nothing else, when anything at all is wrong with the message
 */
export function decodeControl(data: Uint8Array): ControlMessage {
  const cursor = openMessage(data)
  const draft: Draft = {
    kind: 'tick',
    id: '',
    generation: 0,
    files: Object.create(null),
    partitionCount: 0,
    partition: 0,
    zone: '',
    clock: { mode: 'real' },
    writer: null,
    timeMs: null,
    sub: null,
    subs: null,
    trigger: null,
    rows: [],
    message: '',
    selection: emptySelectionDraft(),
    capacity: emptyCapacityDraft(),
  }
  const seen = readMap(cursor, CONTROL_KEYS, (key) => readValue(cursor, draft, key))
  cursor.expectEnd()
  requireKeys(cursor, CONTROL_KEYS, 3, seen)
  checkKeys(cursor, draft.kind, seen)
  return finish(cursor, draft)
}

function readValue(cursor: Cursor, draft: Draft, key: (typeof CONTROL_KEYS)[number]): void {
  switch (key) {
    case 'v':
      readVersion(cursor)
      break
    case 'kind':
      draft.kind = readOneOf(cursor, CONTROL_KINDS)
      break
    case 'id':
      draft.id = readId(cursor, ID_SIZE_MAX)
      break
    case 'generation':
      draft.generation = readWhole(cursor, 0, GENERATION_MAX)
      break
    case 'files':
      draft.files = readFiles(cursor)
      break
    case 'partitions':
      draft.partitionCount = readWhole(cursor, 1, PARTITION_COUNT_MAX)
      break
    case 'partition':
      draft.partition = readWhole(cursor, 0, PARTITION_COUNT_MAX - 1)
      break
    case 'zone':
      draft.zone = readZone(cursor)
      break
    case 'clock':
      draft.clock = readClock(cursor)
      break
    case 'writer':
      draft.writer = cursor.takeNil() ? null : readProducerName(cursor)
      break
    case 'sub':
      draft.sub = readSubscriberNumber(cursor)
      break
    case 'subs':
      draft.subs = readSubscribers(cursor)
      break
    case 'trigger':
      draft.trigger = readProducerName(cursor)
      break
    case 'rows':
      draft.rows = readShownRows(cursor)
      break
    case 'message':
      draft.message = readNoticeText(cursor)
      break
    case 'time':
      draft.timeMs = cursor.takeNil() ? null : readTimeMs(cursor)
      break
    case 'channel':
    case 'period':
    case 'class':
    case 'total':
    case 'asked':
    case 'left':
      readCapacityValue(cursor, draft.capacity, key)
      break
    default:
      readSelectionValue(cursor, draft.selection, key)
  }
}

function readFiles(cursor: Cursor): ConfigFiles {
  const files = readNamed(
    cursor,
    FILES_MAX,
    () => readPath(cursor),
    () => cursor.readString(MESSAGE_SIZE_MAX),
  )
  const sorted: Record<string, string> = Object.create(null)
  for (const path of Object.keys(files).sort()) sorted[path] = files[path]!
  return sorted
}

function readPath(cursor: Cursor): string {
  const at = cursor.offset
  const path = cursor.readString(PATH_SIZE_MAX)
  if (PATH.test(path)) return path
  throw cursor.reject('unknown-name', `not the path of a config file at offset ${at}`)
}

function readClock(cursor: Cursor): ClockMode {
  let mode = 'real'
  let writer = ''
  let startMs = 0
  const seen = readMap(cursor, CLOCK_KEYS, (key) => {
    if (key === 'mode') mode = readOneOf(cursor, CLOCK_MODES)
    else if (key === 'writer') writer = readProducerName(cursor)
    else startMs = readTimeMs(cursor)
  })
  requireKeys(cursor, CLOCK_KEYS, mode === 'real' ? 1 : 3, seen)
  if (mode === 'virtual') return { mode: 'virtual', writer, startMs }
  if (seen !== 1) throw cursor.reject('unknown-name', 'a real clock has neither writer nor start')
  return { mode: 'real' }
}

function readSubscribers(cursor: Cursor): number[] {
  const count = cursor.readArraySize()
  if (count < 1 || count > ERASE_SUBSCRIBERS_MAX) {
    const reason = count < 1 ? 'out-of-range' : 'oversized'
    throw cursor.reject(reason, `${count} subscribers, 1 to ${ERASE_SUBSCRIBERS_MAX}`)
  }
  const subscribers: number[] = []
  for (let row = 0; row < count; row++) {
    cursor.row = row
    subscribers.push(readSubscriberNumber(cursor))
  }
  cursor.row = -1
  return subscribers
}

function checkKeys(cursor: Cursor, kind: Draft['kind'], seen: number): void {
  const { required, allowed }: Record<string, readonly string[]> = KEYS_OF_KIND[kind]
  for (let i = 3; i < CONTROL_KEYS.length; i++) {
    const key = CONTROL_KEYS[i]!
    const isSeen = isKeySeen(seen, i)
    cursor.root = key
    if (isSeen && !required!.includes(key) && !allowed!.includes(key)) {
      throw cursor.reject('unknown-name', `a ${kind} has no ${key}`)
    }
    if (!isSeen && required!.includes(key)) {
      throw cursor.reject('missing-field', `a ${kind} needs ${key}`)
    }
  }
}

function finish(cursor: Cursor, draft: Draft): ControlMessage {
  const { kind, id, generation, files, partitionCount, partition, zone, clock } = draft
  if (kind === 'tick') return { kind, id, writer: draft.writer, timeMs: draft.timeMs }
  if (kind === 'config') return { kind, id, generation, files }
  if (kind === 'erase') return { kind, id, subscribers: subscribersOf(cursor, draft) }
  if (kind === 'cancel') return finishCancel(cursor, draft)
  if (kind === 'ask' || kind === 'grant') return finishCapacity(kind, id, draft.capacity, draft)
  if (kind === 'shown') return { kind, id, rows: draft.rows }
  if (kind === 'accept') return finishAccept(id, draft, draft.capacity.channel)
  if (kind === 'test' || kind === 'notice') {
    return finishDirect(cursor, kind, id, { ...draft, ...draft.capacity })
  }
  if (kind !== 'genesis') return finishSelection(cursor, kind, id, draft.selection, draft)
  if (partition >= partitionCount) {
    cursor.root = 'partition'
    throw cursor.reject('out-of-range', `partition ${partition} of ${partitionCount}`)
  }
  return { kind, id, partitionCount, partition, zone, clock, generation, files }
}

/** Nobody means to take back everything there is by leaving all keys out. */
function finishCancel(cursor: Cursor, { id, trigger, capacity, sub }: Draft): ControlMessage {
  const channel = capacity.channel === '' ? null : capacity.channel
  if (trigger === null && channel === null && sub === null) {
    cursor.root = 'trigger'
    throw cursor.reject('missing-field', 'a cancel needs trigger, channel or sub')
  }
  return { kind: 'cancel', id, trigger, channel, subscriber: sub }
}

function subscribersOf(cursor: Cursor, { sub, subs }: Draft): readonly number[] {
  if (sub !== null && subs === null) return [sub]
  if (sub === null && subs !== null) return subs
  cursor.root = 'subs'
  const reason = sub === null ? 'missing-field' : 'unknown-name'
  throw cursor.reject(reason, 'an erase needs sub or subs, and not both')
}
