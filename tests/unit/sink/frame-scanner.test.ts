/**
 * What a server sends is split between receivers and the client, whatever it is cut into. The
 * oracle is how the bytes were put together.
 */

import { describe, expect, test } from 'vitest'
import type { FrameReceiver, MessageFrame } from '../../../src/model/frame.ts'
import {
  type DeliveryPosition,
  isAckSubject,
  parseAckSubject,
} from '../../../src/model/ack-subject.ts'
import { FrameScanner } from '../../../src/sink/frame-scanner.ts'
import { Random } from '../../support/workload/random.ts'

const OURS = 7
const ALSO_OURS = 412
const SEEDS = [1, 2, 3, 4]
const ENDS = '\r\n'

interface Received {
  readonly subject: string
  readonly reply: string
  readonly headers: string
  readonly data: string
  /** What the reply says of a delivery; null: it is none. */
  readonly position: DeliveryPosition | null
}

/** One thing that a server says: its text, and what a receiver makes of it (null: not ours). */
interface Said {
  readonly text: string
  readonly received: Received | null
}

function message(
  subscription: number,
  reply: string,
  headers: string,
  data: string,
  subject = `usage.0.p${data.length}`,
): Said {
  const replied = reply === '' ? '' : ` ${reply}`
  const line =
    headers === ''
      ? `MSG ${subject} ${subscription}${replied} ${data.length}`
      : `HMSG ${subject} ${subscription}${replied} ${headers.length} ${headers.length + data.length}`
  const position = isAckSubject(reply) ? parseAckSubject(reply) : null
  const isOurs = subscription === OURS || subscription === ALSO_OURS
  const received = isOurs ? { subject, reply, headers, data, position } : null
  return { text: `${line}${ENDS}${headers}${data}${ENDS}`, received }
}

function line(text: string): Said {
  return { text: text + ENDS, received: null }
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end))
}

function readFrame(frame: MessageFrame): Received {
  const { bytes } = frame
  return {
    subject: textOf(bytes, frame.subjectStart, frame.subjectEnd),
    reply: textOf(bytes, frame.replyStart, frame.replyEnd),
    headers: textOf(bytes, frame.headerStart, frame.dataStart),
    data: textOf(bytes, frame.dataStart, frame.dataEnd),
    position: positionOf(frame),
  }
}

function positionOf(frame: MessageFrame): DeliveryPosition | null {
  const { streamSequence, consumerSequence, timestampMs, pendingMessages } = frame
  if (streamSequence === 0) return null
  return { streamSequence, consumerSequence, timestampMs, pendingMessages }
}

/** Scans what is said in chunks of the given sizes, the last one as often as needed. */
function scan(said: readonly Said[], sizes: readonly number[], takes = (_: Received) => true) {
  const events: (Received | string)[] = []
  const receiver: FrameReceiver = (frame) => {
    const received = readFrame(frame)
    if (!takes(received)) return false
    events.push(received)
    return true
  }
  const receivers = [OURS, ALSO_OURS].map((id) => [id, receiver] as const)
  const scanner = new FrameScanner(new Map(receivers))
  const bytes = Uint8Array.from(said.map(({ text }) => text).join(''), (c) => c.charCodeAt(0))
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const end = at + (sizes[i] ?? sizes.at(-1)!)
    for (const piece of scanner.scan(bytes.slice(at, end))) {
      events.push(textOf(piece, 0, piece.length))
    }
    at = end
  }
  return joinTexts(events)
}

/** Neighbouring texts are one: the client may be given them in any pieces. */
function joinTexts(events: readonly (Received | string)[]): (Received | string)[] {
  const joined: (Received | string)[] = []
  for (const event of events) {
    const last = joined.at(-1)
    if (typeof event === 'string' && typeof last === 'string') joined.push(joined.pop() + event)
    else joined.push(event)
  }
  return joined
}

const expected = (said: readonly Said[]) =>
  joinTexts(said.map(({ text, received }) => received ?? text))

const CONVERSATION: readonly Said[] = [
  line('INFO {"server_id":"A","nonce":"MSG x 7 5"}'),
  line('PONG'),
  message(OURS, '$JS.ACK.IN_0.c.1.2.1.1763712000123456789.9', '', 'abc'),
  message(1, '', '', 'MSG usage.0.x 7 3\r\nabc\r\n'),
  message(OURS, '', '', ''),
  message(OURS, 'r', 'NATS/1.0\r\nA: 1\r\n\r\n', 'with headers'),
  message(2, 'r', 'NATS/1.0 408 Request Timeout\r\n\r\n', ''),
  line('PING'),
  line('-ERR \'Permissions Violation for Subscription to "MSG"\''),
  line('+OK'),
  message(OURS, 'r', '', '\r\nMSG usage.0.x 7 3\r\n'),
]

describe('what is for receivers and what is for the client', () => {
  test('comes apart in the order in which it was said', () => {
    expect(scan(CONVERSATION, [100_000])).toEqual(expected(CONVERSATION))
  })

  test('wherever it is cut in two', () => {
    const { length } = CONVERSATION.map(({ text }) => text).join('')
    for (let cut = 1; cut < length; cut++) {
      expect(scan(CONVERSATION, [cut, 100_000])).toEqual(expected(CONVERSATION))
    }
  })

  test('byte by byte', () => {
    expect(scan(CONVERSATION, [1])).toEqual(expected(CONVERSATION))
  })

  test.each(SEEDS)('in random pieces, seed %i', (seed) => {
    const random = new Random(seed)
    const said = Array.from({ length: 300 }, () => {
      if (random.chance(0.1)) return line(random.pick(['PING', 'PONG', '+OK']))
      const data = 'x'.repeat(random.whole(0, random.pick([3, 60, 5_000])))
      const headers = random.chance(0.3) ? 'NATS/1.0\r\nA: 1\r\n\r\n' : ''
      return message(random.pick([OURS, OURS, 1, 77]), random.pick(['', 'r.1']), headers, data)
    })
    const sizes = Array.from({ length: 2_000 }, () => random.whole(1, random.pick([20, 900])))
    expect(scan(said, sizes)).toEqual(expected(said))
  })
})

/** Deliveries of two consumers, most of them as usual, now and then something in another form. */
function deliveries(random: Random, count: number): Said[] {
  const names = ['$JS.ACK.IN_0.c0nsum3r.1', '$JS.ACK.hub.ACCOUNT.IN_0.other.1']
  const odd = ['', 'r.1', '$JS.ACK.IN_0.c0nsum3r.2.5.5.1763712000123456789.9', '$JS.ACK.x.1.2.3']
  let sequence = random.pick([0, 99_990, Number.MAX_SAFE_INTEGER - 2 * count])
  let stampMs = 1_763_712_000_000
  return Array.from({ length: count }, (_, i) => {
    const subscription = random.pick([OURS, OURS, OURS, ALSO_OURS])
    stampMs += random.whole(0, random.pick([2, 2, 3_000]))
    sequence += 1
    const tail = random.chance(0.05) ? '.random' : ''
    const stamp = `${stampMs}${random.whole(100_000, 999_999)}`
    const name = names[subscription === OURS ? 0 : 1]!
    const reply = `${name}.${sequence}.${i + 1}.${stamp}.${count - i}${tail}`
    const headers = random.chance(0.1) ? 'NATS/1.0\r\nA: 1\r\n\r\n' : ''
    const data = 'x'.repeat(random.pick([0, 1, 130, 130, 130, 700]))
    const probe = random.chance(0.02) ? 'p'.repeat(random.pick([240, 260, 400])) : `p${i % 8}`
    const said = random.chance(0.05) ? random.pick(odd) : reply
    return message(subscription, said, headers, data, `usage.0.${probe}`)
  })
}

describe('deliveries', () => {
  test.each(SEEDS)('say where they stand, whatever they are cut into, seed %i', (seed) => {
    const random = new Random(seed)
    const said = deliveries(random, 400)
    said.splice(random.whole(0, 399), 0, line('PING'))
    expect(scan(said, [1_000_000])).toEqual(expected(said))
    const sizes = Array.from({ length: 500 }, () => random.whole(1, random.pick([600, 9_000])))
    expect(scan(said, sizes)).toEqual(expected(said))
  })

  test.each(SEEDS)('that a receiver leaves are the client’s, seed %i', (seed) => {
    const random = new Random(seed)
    const takes = ({ position }: Received): boolean => (position?.consumerSequence ?? 0) % 5 !== 0
    const said = deliveries(random, 200).map((each) =>
      each.received === null || takes(each.received) ? each : { ...each, received: null },
    )
    expect(scan(said, [1_000_000], takes)).toEqual(expected(said))
    expect(scan(said, [3_000], takes)).toEqual(expected(said))
  })

  test.each([
    ['a sequence that is none', '$JS.ACK.IN_0.c.1.4x.4.1763712000123456789.9', OURS],
    ['no sequence', '$JS.ACK.IN_0.c.1..4.1763712000123456789.9', OURS],
    ['the sequence 0', '$JS.ACK.IN_0.c.1.0.4.1763712000123456789.9', OURS],
    [
      'a sequence that no number is',
      '$JS.ACK.IN_0.c.1.9007199254740993.4.176371200012345678.9',
      OURS,
    ],
    ['endless zeros', `$JS.ACK.IN_0.c.1.${'0'.repeat(470)}4.4.1763712000123456789.9`, OURS],
    ['a time that is none', '$JS.ACK.IN_0.c.1.4.4.17637x2000123456789.9', OURS],
    ['milliseconds that are none', '$JS.ACK.IN_0.c.1.4.4.1763712000x23456789.9', OURS],
    ['a time without its end', '$JS.ACK.IN_0.c.1.4.4.17637120001234567891', OURS],
    ['another beginning', '$JS.NAK.IN_0.c.1.4.4.1763712000123456789.9', OURS],
    ['the name of another consumer', '$JS.ACK.IN_0.d.1.4.4.1763712000123456789.9', OURS],
    ['another subscription', '$JS.ACK.IN_0.c.1.4.4.1763712000123456789.9', 8],
  ])('with %s are no others than before', (_what, reply, subscription) => {
    const usual = (sequence: number): Said =>
      message(OURS, `$JS.ACK.IN_0.c.1.${sequence}.${sequence}.1763712000123456789.9`, '', 'abc')
    const rest = Array.from({ length: 9 }, (_, i) => usual(5 + i))
    const said = [usual(2), usual(3), message(subscription, reply, '', 'odd'), ...rest]
    expect(scan(said, [100_000])).toEqual(expected(said))
  })
})

test('deliveries whose headers are larger than they are end what is known, as anywhere', () => {
  const reply = '$JS.ACK.IN_0.c.1.2.2.1763712000123456789.9'
  const said = Array.from({ length: 12 }, () => message(OURS, reply, 'NATS/1.0\r\n\r\n', 'abc'))
  const bad = line(`HMSG usage.0.x ${OURS} ${reply} 9 3${ENDS}abc`)
  const rest = said.map((each) => ({ ...each, received: null }))
  expect(scan([...said, bad, ...rest], [100_000])).toEqual(expected([...said, bad, ...rest]))
})

test('what a receiver does not take is the client’s, whole and in its place', () => {
  const takes = ({ reply }: Received): boolean => reply !== 'r'
  const said = CONVERSATION.map((each) =>
    each.received?.reply === 'r' ? { ...each, received: null } : each,
  )
  for (const size of [1, 7, 50, 100_000]) {
    expect(scan(CONVERSATION, [size], takes)).toEqual(expected(said))
  }
})

test.each([
  'MSG usage.0.x 7\r\n',
  'MSG usage.0.x 7 a b c\r\n',
  'MSG usage.0.x 7 r -1\r\n',
  'MSG usage.0.x 7 r 99999999999\r\n',
  'HMSG usage.0.x 7 9 3\r\nabc\r\n',
])('from %j on the client reads alone', (text) => {
  const said = [message(OURS, '', '', 'abc'), { text, received: null }]
  const lost = { ...message(OURS, '', '', 'abc'), received: null }
  expect(scan([...said, lost], [100_000])).toEqual(expected([...said, lost]))
})

test('a receiver that comes or goes between two pieces for the client is heeded', () => {
  const seen: string[] = []
  const receivers = new Map<number, FrameReceiver>()
  const scanner = new FrameScanner(receivers)
  const receiver: FrameReceiver = (frame) => seen.push(readFrame(frame).data) > 0
  const text = ['PING', 'MSG a 7 1', 'a', 'PING', 'MSG a 7 1', 'b', ''].join(ENDS)
  const pieces: string[] = []
  receivers.set(OURS, receiver)
  for (const piece of scanner.scan(Uint8Array.from(text, (c) => c.charCodeAt(0)))) {
    pieces.push(textOf(piece, 0, piece.length))
    if (pieces.length === 2) receivers.delete(OURS)
  }
  expect(seen).toEqual(['a'])
  expect(pieces.join('')).toBe(['PING', 'PING', 'MSG a 7 1', 'b', ''].join(ENDS))
})

test('data that were received stay as they are while the next ones arrive', () => {
  const kept: Uint8Array[] = []
  const receiver: FrameReceiver = ({ bytes, dataStart, dataEnd }) =>
    kept.push(bytes.subarray(dataStart, dataEnd)) > 0
  const scanner = new FrameScanner(new Map([[OURS, receiver]]))
  const said = ['one', 'two', 'three'].map((data) => message(OURS, '', '', data).text).join('')
  for (let at = 0; at < said.length; at += 11) {
    const chunk = Uint8Array.from(said.slice(at, at + 11), (c) => c.charCodeAt(0))
    expect([...scanner.scan(chunk)]).toEqual([])
  }
  expect(kept.map((data) => textOf(data, 0, data.length))).toEqual(['one', 'two', 'three'])
})
