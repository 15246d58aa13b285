/**
 * What a server sends is split between receivers and the client, whatever it is cut into. The
 * oracle is how the bytes were put together.
 */

import { describe, expect, test } from 'vitest'
import type { FrameReceiver, MessageFrame } from '../../../src/model/frame.ts'
import { FrameScanner } from '../../../src/sink/frame-scanner.ts'
import { Random } from '../../support/workload/random.ts'

const OURS = 7
const SEEDS = [1, 2, 3, 4]
const ENDS = '\r\n'

interface Received {
  readonly subject: string
  readonly reply: string
  readonly headers: string
  readonly data: string
}

/** One thing that a server says: its text, and what a receiver makes of it (null: not ours). */
interface Said {
  readonly text: string
  readonly received: Received | null
}

function message(subscription: number, reply: string, headers: string, data: string): Said {
  const subject = `usage.0.p${data.length}`
  const replied = reply === '' ? '' : ` ${reply}`
  const line =
    headers === ''
      ? `MSG ${subject} ${subscription}${replied} ${data.length}`
      : `HMSG ${subject} ${subscription}${replied} ${headers.length} ${headers.length + data.length}`
  const received = subscription === OURS ? { subject, reply, headers, data } : null
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
  }
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
  const scanner = new FrameScanner(new Map([[OURS, receiver]]))
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
