import { encode } from '@msgpack/msgpack'
import { describe, expect, test, vi } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import type { InputMessage } from '../../../src/model/ports.ts'
import { PartitionMachine } from '../../../src/partition/machine.ts'
import {
  encodeConfig,
  encodeErase,
  encodeGenesis,
  encodeProfile,
  encodeTick,
  encodeUsageColumns,
  encodeUsageRows,
} from '../../../src/probe/encode.ts'
import { encodeErrand } from '../../../src/probe/encode-errand.ts'
import { SCORED_PER_INPUT } from '../../../src/partition/selection-pass.ts'
import { Random } from '../../../src/probe/random.ts'
import { stateOf } from '../../support/machine-image.ts'
import { columnsOf } from '../../support/machine-harness.ts'
import { failOverPoison, POISON } from '../../support/poison.ts'
import { RICH_FILES } from '../../support/rich-files.ts'

const SEED = Number(process.env.SEED ?? 20261122)
const START_MS = Date.parse('2026-11-20T09:30:00+08:00')
const SUBSCRIBERS = 60
const PROBES = ['p-0', 'p-1', 'elsewhere']
const LIMITS = { batchDecisionsMax: 100, batchSizeMax: 512 * 1024 }

/** Beside all kinds of counters: what waits, what a channel holds back, what changes tags. */
const FILES: ConfigFiles = {
  ...RICH_FILES,
  'counters.yaml': RICH_FILES['counters.yaml']!.replace(
    'tags: {',
    'channels: { sms: {}, slow: { capacity: { perSecond: 1 } }, internal: {} }\ntags: { marked: {}, ',
  ),
  'triggers/mark.yaml': `
trigger: mark
when: data.hour >= 60 * kB
once: hour
deliver: { channel: internal }
action: { tag: { set: marked } }`,
  'triggers/marked.yaml': `
trigger: marked
when: tags.marked && data.hour >= 61 * kB
once: hour
deliver: { channel: slow }
message: 'Marked, {{ data.hour }}'`,
  'triggers/soon.yaml': `
trigger: soon
when: records.week >= 2
once: day
retry: true
deliver:
  channel: slow
  at: after 1m
  contactWindow: { from: '09:00', to: '10:00', outside: drop }
message: 'Soon, {{ data.hour }}'`,
  'journeys/visit.yaml': `
journey: visit
enter: peak.day >= 50000
goal: data.day >= 900000
steps:
  - { step: hello, deliver: { channel: sms }, message: Hello }
  - { step: again, wait: 1m, when: data.hour >= 40000, deliver: { channel: slow }, message: 'Again, {{ data.hour }}' }`,
}

function genesisOf(mode: 'real' | 'virtual', files: ConfigFiles): InputMessage {
  const clock =
    mode === 'real'
      ? ({ mode: 'real' } as const)
      : ({ mode, writer: 'ticker', startMs: START_MS } as const)
  const data = encodeGenesis({
    ...{ id: 'genesis', partition: 0, partitionCount: 1, zone: 'Asia/Shanghai', clock },
    ...{ generation: 1, files },
  })
  return { sequence: 1, timestampMs: START_MS, subject: 'control.0', data }
}

/** Random inputs as they may come: what one seed makes is always the same. */
class Script {
  readonly #random: Random
  readonly #seqs = new Map<string, number>()
  #sequence = 1
  #timestampMs = START_MS

  constructor(seed: number) {
    this.#random = new Random(seed)
  }

  next(): InputMessage {
    const random = this.#random
    const kind = random.below(1000)
    const jumpMs = kind < 8 ? random.below(5 * 3_600_000) : random.below(10) === 0 ? 400 : 0
    // A new leader's clock may be behind.
    this.#timestampMs += jumpMs - (kind === 500 ? 700 : 0)
    const [subject, data] = this.#body(kind)
    return { sequence: ++this.#sequence, timestampMs: this.#timestampMs, subject, data }
  }

  #body(kind: number): [subject: string, data: Uint8Array] {
    const random = this.#random
    if (kind < 8) {
      const tick = { id: `t${this.#sequence}`, writer: 'ticker', timeMs: this.#timestampMs }
      return ['control.0', encodeTick(tick)]
    }
    if (kind < 20) return ['profile.0.bi', this.#profile()]
    if (kind < 22) return ['usage.0.p-0', new Uint8Array(random.below(40)).fill(0x81)]
    if (kind < 23) return ['usage.1.p-0', this.#usage('p-0')]
    if (kind < 24) {
      const config = { id: `c${this.#sequence}`, generation: 2 + random.below(3), files: FILES }
      return ['control.0', encodeConfig(config)]
    }
    const probe = PROBES[random.below(PROBES.length)]!
    return [`usage.0.${probe}`, this.#usage(kind === 25 ? 'stranger' : probe)]
  }

  #profile(): Uint8Array {
    const random = this.#random
    const row = {
      subscriber: 1 + random.below(SUBSCRIBERS),
      tags: { seed: random.below(3), marked: random.below(2) === 0 },
      fields: random.below(2) === 0 ? { fee: random.below(9) } : {},
      lists: {},
      zone: random.below(4) === 0 ? 'Europe/Berlin' : undefined,
      cycleDay: random.below(4) === 0 ? 1 + random.below(28) : undefined,
    }
    return encodeProfile({ stamp: this.#stamp('bi'), rows: [row] })
  }

  #usage(probe: string): Uint8Array {
    const random = this.#random
    const count = random.below(12) === 0 ? random.below(60) : random.below(3)
    const records = Array.from({ length: count }, () => ({
      subscriber: 1 + random.below(SUBSCRIBERS),
      usageBytes: random.below(20) === 0 ? 300_000 : random.below(9000),
      timeMs: this.#timestampMs - this.#age(),
      rat: random.below(11),
      app: random.below(6),
      cell: random.below(12),
      kind: random.below(4) === 0 ? random.below(6) : 0,
    }))
    const stamp = this.#stamp(probe)
    const rows = records.map((r) => [r.subscriber, r.usageBytes, r.timeMs, r.rat, r.app] as const)
    const form = random.below(4)
    if (form === 0) return encodeUsageRows(stamp, rows)
    if (form === 1) {
      // Keys in another order, as few encoders have them; now and then one value that is bad.
      const bad = random.below(30) === 0 ? [[0, 1, 2]] : []
      return encode({ rows: [...rows, ...bad], v: 1, ...stamp })
    }
    const columns = columnsOf(records)
    if (form === 2) return encodeUsageColumns(stamp, columns, 0, count)
    const { subscribers, usageBytes, timesMs, apps, kinds } = columns
    const some = random.below(2) === 0 ? { apps } : { kinds }
    return encodeUsageColumns(stamp, { subscribers, usageBytes, timesMs, ...some }, 0, count)
  }

  /** Mostly now; seconds or hours late, too late, too early. */
  #age(): number {
    const random = this.#random
    const kind = random.below(200)
    if (kind === 0) return 26 * 3_600_000
    if (kind === 1) return -600_000
    return kind < 10 ? random.below(20 * 3_600_000) : random.below(2000)
  }

  /** In order, but for gaps, repeats and what is overtaken. */
  #stamp(probe: string) {
    const random = this.#random
    const last = this.#seqs.get(probe) ?? 0
    const draw = random.below(60)
    const seq = draw === 0 ? last + 5 : draw < 3 ? Math.max(1, last - random.below(4)) : last + 1
    this.#seqs.set(probe, Math.max(last, seq))
    return { probe, epoch: draw === 4 ? 0 : 1, seq }
  }
}

/** All that a machine has said, and what it holds. */
class Witness {
  readonly machine = new PartitionMachine(0)
  readonly said: string[] = []

  look(): unknown {
    const { machine } = this
    for (;;) {
      const batch = machine.outbox.take(1, LIMITS)
      if (batch === null) break
      this.said.push(`${batch.first} ${Buffer.from(batch.bytes).toString('latin1')}`)
    }
    for (const { messageId, bytes } of machine.rejects.takeAll()) {
      this.said.push(`${messageId} ${Buffer.from(bytes).toString('latin1')}`)
    }
    return { said: this.said.splice(0), ...stateOf(machine), statistics: machine.core!.statistics }
  }
}

function compare(seed: number, mode: 'real' | 'virtual', inputCount: number): Witness {
  const script = new Script(seed)
  const cuts = new Random(seed + 1)
  const single = new Witness()
  const joined = new Witness()
  const genesis = genesisOf(mode, FILES)
  single.machine.apply(genesis)
  joined.machine.apply(genesis)
  let runs = 0
  for (let done = 0; done < inputCount; ) {
    const taken = Array.from({ length: 1 + cuts.below(300) }, () => script.next())
    done += taken.length
    for (const message of taken) single.machine.apply(message)
    for (let at = 0; at < taken.length; runs++) {
      at += joined.machine.applySome(taken, at, taken.length)
    }
    expect(joined.look()).toStrictEqual(single.look())
  }
  expect(runs).toBeLessThan(inputCount / 3)
  return joined
}

describe(`runs of small messages (seed ${SEED})`, () => {
  test.each(['real', 'virtual'] as const)(
    'answer as one message after the other does, on a %s clock',
    (mode) => {
      const { statistics } = compare(SEED, mode, mode === 'real' ? 4000 : 2000).machine.core!
      // Of everything that may come in between there was something.
      expect(statistics.deliveries).toBeGreaterThan(50)
      expect(statistics.timersFired).toBeGreaterThan(20)
      if (mode === 'virtual') return
      for (const count of [
        statistics.duplicateBatches,
        statistics.producerGaps,
        statistics.recordsTooLate,
        statistics.recordsTooEarly,
        statistics.recordsLateForWindow,
        statistics.inputMessages.profile,
      ]) {
        expect(count).toBeGreaterThan(0)
      }
    },
  )

  test('lets a timer that is due in between read counters as they are by then', () => {
    const files = {
      'counters.yaml': 'counters: { data: { sum: bytes, per: [day] } }\nchannels: { sms: {} }',
      'journey.yaml': [
        'journey: visit\nenter: data.day >= 1\nsteps:',
        '  - { step: much, wait: 1m, when: data.day >= 100, deliver: { channel: sms }, message: x }',
      ].join('\n'),
    }
    const answers = ['single', 'joined'].map((way) => {
      const { machine } = new Witness()
      machine.apply(genesisOf('real', files))
      const inputs = [1, 30, 99].map((usageBytes, index) => {
        const timestampMs = START_MS + index * 30_000
        const row = [1, usageBytes, timestampMs] as const
        const data = encodeUsageRows({ probe: 'p-0', epoch: 1, seq: 1 + index }, [row])
        return { sequence: 2 + index, timestampMs, subject: 'usage.0.p-0', data }
      })
      if (way === 'single') for (const input of inputs) machine.apply(input)
      else expect(machine.applySome(inputs, 0, 3)).toBe(3)
      return stateOf(machine)
    })
    expect(answers[1]).toStrictEqual(answers[0])
    expect(answers[0]!.timers).toBe(0)
  })

  test('gives new subscribers no row ahead of a selection that is under way', () => {
    const files = {
      'a.yaml':
        'tags: { vip: {}, plain: { versioned: true } }\ncounters: { data: { sum: bytes, per: [day] } }\n' +
        "segments: { plain: { at: on demand, where: '!tags.vip', take: all } }\n",
    }
    // Twice the rows that a selection looks at per input; the last one is given up again.
    const rows = 2 * SCORED_PER_INPUT
    const usage = (sequence: number, subscribers: readonly number[]): InputMessage => {
      const records = subscribers.map((subscriber) => [subscriber, 1, START_MS] as const)
      const data = encodeUsageRows({ probe: 'p-0', epoch: 1, seq: sequence }, records)
      return { sequence, timestampMs: START_MS, subject: 'usage.0.p-0', data }
    }
    const control = (sequence: number, data: Uint8Array): InputMessage => ({
      ...{ sequence, timestampMs: START_MS, subject: 'control.0', data },
    })
    const select = { kind: 'select', id: 's', segment: 'plain', version: 1 } as const
    const before = [
      usage(
        2,
        Array.from({ length: rows }, (_, index) => index + 1),
      ),
      control(3, encodeErase({ id: 'e', subscribers: [rows] })),
      control(4, encodeErrand({ ...select, atMs: null, order: null })),
    ]
    const inputs = [usage(5, [1]), usage(6, [2]), usage(7, [rows + 1])]
    const answers = ['single', 'joined'].map((way) => {
      const { machine } = new Witness()
      machine.apply(genesisOf('real', files))
      for (const input of before) machine.apply(input)
      expect(machine.core!.selections.run).not.toBeNull()
      if (way === 'single') for (const input of inputs) machine.apply(input)
      else for (let at = 0; at < 3; ) at += machine.applySome(inputs, at, 3)
      return [machine.core!.selections.run!.candidates, stateOf(machine)]
    })
    expect(answers[1]).toStrictEqual(answers[0])
  })

  test('ends before an input that the engine fails over, so that a halt names the right one', () => {
    const { machine } = new Witness()
    machine.apply(genesisOf('real', FILES))
    const inputs = ['p-0', POISON].map((probe, index) => {
      const data = encodeUsageRows({ probe, epoch: 1, seq: 1 }, [[1, 10, START_MS]])
      const sequence = 2 + index
      return { sequence, timestampMs: START_MS, subject: `usage.0.${probe}`, data }
    })
    failOverPoison()
    expect(machine.applySome(inputs, 0, 2)).toBe(1)
    expect(machine.sequence).toBe(2)
    expect(() => machine.applySome(inputs, 1, 2)).toThrow('a mistake')
    vi.restoreAllMocks()
  })
})
