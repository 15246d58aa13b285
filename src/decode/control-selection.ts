import type { ControlMessage } from '../model/messages.ts'
import {
  SEGMENT_QUOTAS_MAX,
  SELECTION_BUCKETS,
  SELECTION_KEY_WORDS,
  TAG_VERSION_MAX,
} from '../model/wire.ts'
import type { Cursor } from './cursor.ts'
import { readTimeMs, readWhole, readWord } from './fields.ts'

/*
 * The control messages of selections. select: segment, version, at?, and as partition 0 copies it
 * run, generation, start; tally: run, round, partition, and counts or candidates and taken; cut:
 * run, round, thresholds, and digits and prefix unless it is the last. counts, thresholds and
 * prefix are bin: unsigned 32-bit words, little-endian.
 */

/** Keys of these messages that no other kind has, in the order of the bits of a control message. */
export const SELECTION_KEYS = [
  'segment',
  'version',
  'at',
  'run',
  'start',
  'round',
  'counts',
  'candidates',
  'taken',
  'thresholds',
  'digits',
  'prefix',
] as const

/** Keys that each kind must have, and may have, beside v, kind and id. */
export const SELECTION_KEYS_OF_KIND = {
  select: { required: ['segment', 'version'], allowed: ['at', 'run', 'generation', 'start'] },
  tally: {
    required: ['run', 'round', 'partition'],
    allowed: ['counts', 'candidates', 'taken'],
  },
  cut: { required: ['run', 'round', 'thresholds'], allowed: ['digits', 'prefix'] },
} as const

type SelectionKind = keyof typeof SELECTION_KEYS_OF_KIND

/** Runs count on from the time of a ruling in ms (selection-lead.ts), so they may be as large. */
const RUN_MAX = 2 ** 52
const COUNT_MAX = 2 ** 32
const ROUND_MAX = 1_000_000
const DIGITS_MAX = 13

/** Values as read, before it is known which kind they belong to. */
export interface SelectionDraft {
  segment: string
  version: number
  atMs: number | null
  run: number | null
  startMs: number | null
  round: number
  counts: Uint32Array | null
  candidates: number | null
  taken: number | null
  thresholds: Uint32Array
  digits: number | null
  prefix: Uint32Array | null
}

/** A draft with nothing in it. */
export function emptySelectionDraft(): SelectionDraft {
  return {
    segment: '',
    version: 0,
    atMs: null,
    run: null,
    startMs: null,
    round: 0,
    counts: null,
    candidates: null,
    taken: null,
    thresholds: new Uint32Array(0),
    digits: null,
    prefix: null,
  }
}

/** Reads the value of one of SELECTION_KEYS. */
export function readSelectionValue(
  cursor: Cursor,
  draft: SelectionDraft,
  key: (typeof SELECTION_KEYS)[number],
): void {
  switch (key) {
    case 'segment':
      draft.segment = readWord(cursor)
      break
    case 'version':
      draft.version = readWhole(cursor, 1, TAG_VERSION_MAX)
      break
    case 'at':
      draft.atMs = readTimeMs(cursor)
      break
    case 'run':
      draft.run = readWhole(cursor, 1, RUN_MAX)
      break
    case 'start':
      draft.startMs = readTimeMs(cursor)
      break
    case 'round':
      draft.round = readWhole(cursor, 0, ROUND_MAX)
      break
    case 'counts':
      draft.counts = readWords(cursor, SELECTION_BUCKETS, SELECTION_BUCKETS)
      break
    case 'candidates':
      draft.candidates = readWhole(cursor, 0, COUNT_MAX)
      break
    case 'taken':
      draft.taken = readWhole(cursor, 0, COUNT_MAX)
      break
    case 'thresholds':
      draft.thresholds = readWords(cursor, 0, SEGMENT_QUOTAS_MAX * SELECTION_KEY_WORDS)
      break
    case 'digits':
      draft.digits = readWhole(cursor, 0, DIGITS_MAX)
      break
    case 'prefix':
      draft.prefix = readWords(cursor, SELECTION_KEY_WORDS, SELECTION_KEY_WORDS)
  }
}

/** What a partition is told and tells of a selection, from the values of one message. */
export function finishSelection(
  cursor: Cursor,
  kind: SelectionKind,
  id: string,
  draft: SelectionDraft,
  common: { readonly generation: number; readonly partition: number },
): Extract<ControlMessage, { kind: SelectionKind }> {
  const { segment, version, atMs, run, startMs, round } = draft
  if (kind === 'select') {
    if ((run === null) !== (startMs === null)) {
      throw missing(cursor, run === null ? 'run' : 'start', 'run and start belong together')
    }
    const { generation } = common
    const order = run === null ? null : { run, generation, startMs: startMs! }
    return { kind, id, segment, version, atMs, order }
  }
  if (kind === 'cut') {
    const { thresholds, digits, prefix } = draft
    if ((digits === null) !== (prefix === null)) {
      throw missing(cursor, digits === null ? 'digits' : 'prefix', 'digits and prefix go together')
    }
    const next = digits === null ? null : { digits, prefix: prefix! }
    return { kind, id, run: run!, round, cut: { thresholds, next } }
  }
  const { counts, candidates, taken } = draft
  const { partition } = common
  if (counts !== null && candidates === null && taken === null) {
    return { kind, id, run: run!, round, partition, tally: { kind: 'counts', counts } }
  }
  if (counts === null && candidates !== null && taken !== null) {
    return { kind, id, run: run!, round, partition, tally: { kind: 'taken', candidates, taken } }
  }
  throw missing(cursor, 'counts', 'a tally has counts, or candidates and taken')
}

function missing(cursor: Cursor, key: string, detail: string) {
  cursor.root = key
  return cursor.reject('missing-field', detail)
}

/** A bin of unsigned 32-bit words; whole keys only where more than one length is possible. */
function readWords(cursor: Cursor, countMin: number, countMax: number): Uint32Array {
  const at = cursor.offset
  cursor.readBinSpan()
  const { spanOffset, spanSize } = cursor
  const count = spanSize / 4
  const isWhole = countMin === countMax ? count === countMin : count % SELECTION_KEY_WORDS === 0
  if (!isWhole || count > countMax) {
    throw cursor.reject('out-of-range', `not so many words at offset ${at}`)
  }
  const words = new Uint32Array(count)
  const view = new DataView(cursor.bytes.buffer, cursor.bytes.byteOffset + spanOffset, spanSize)
  for (let i = 0; i < count; i++) words[i] = view.getUint32(4 * i, true)
  return words
}
