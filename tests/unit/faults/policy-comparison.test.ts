/** The judge of the policy families, on streams in memory: what it must find, and what not. */

import { encode } from '@msgpack/msgpack'
import type { JetStreamManager } from '@nats-io/jetstream'
import { expect, it } from 'vitest'
import { encodeGenesis } from '../../../src/probe/encode.ts'
import { encodeErrand } from '../../../src/probe/encode-errand.ts'
import type { Comparison } from '../../faults/comparison.ts'
import { tellPolicyStory, TOWN_PARTITIONS } from '../../faults/policy-story.ts'
import { Undisturbed, type WireDecision } from '../../support/undisturbed.ts'
import { excessOf } from '../../support/town-watch.ts'

interface Stored {
  readonly subject: string
  readonly data: Uint8Array
}

const SEED = Number(process.env.HIGHWATER_SEED ?? 3)
const STORY = tellPolicyStory(SEED, 12)
const CARRIED = new Set<string>()
const MACHINES = Array.from(
  { length: TOWN_PARTITIONS },
  (_, partition) => new Undisturbed(partition),
)
const INPUTS: Stored[][] = MACHINES.map(() => [])

const { clock, files, parameters } = STORY
for (const partition of MACHINES.keys()) {
  const { partitionCount, zone } = parameters
  const head = { id: 'genesis', partition, partitionCount, zone, generation: 1 }
  put({ subject: `control.${partition}`, data: encodeGenesis({ ...head, clock, files }) })
}
for (const message of STORY.messages) {
  put(message)
  carryErrands()
}

it('finds in order what undisturbed machines have said, asks and grants between them', async () => {
  console.log(`seed ${SEED} (HIGHWATER_SEED chooses another)`)
  const { deliveriesCompared, ...rest } = await judge(MACHINES.map(({ decisions }) => decisions))
  expect(rest).toEqual({ lost: 0, duplicated: 0, failures: [] })
  expect(deliveriesCompared).toBeGreaterThan(200)
  expect([...CARRIED].filter((each) => each.includes('grant')).length).toBeGreaterThan(0)
})

it('finds what is missing, there twice, unknown, or other than it must be', async () => {
  const [first, second] = MACHINES.map(({ decisions }) => decisions)
  expect(await judge([first!.slice(0, -1), second!])).toMatchObject({ lost: 1, duplicated: 0 })
  expect(await judge([[...first!, first![3]!], second!])).toMatchObject({ lost: 0, duplicated: 1 })
  const unknown = { ...first![0]!, n: first!.length + 1 }
  expect(await judge([[...first!, unknown], second!])).toMatchObject({ lost: 0, duplicated: 1 })
  const altered = first!.map((each) => (each.n === 7 ? { ...each, attempt: 9 } : each))
  const { failures } = await judge([altered, second!])
  expect(failures).toEqual([
    expect.stringMatching(/partition 0: decision 7 .* differs in attempt$/),
  ])
})

it('finds a channel that sent more than it can carry, over all partitions', () => {
  const limits = { sms: { perSecond: 9, perHour: 2, perDay: 4 }, push: { perHour: 1 } }
  const at = Date.parse('2026-11-11T10:00+08:00')
  const sms: WireDecision = { n: 1, in: 2, kind: 'delivery', channel: 'sms', at }
  expect(excessOf([sms, sms], limits, at + 86_400_000)).toEqual([])
  const [text] = excessOf([sms, sms, sms], limits, at + 86_400_000)
  expect(text).toMatch(/^3 sms in hour \d+, 2 are allowed$/)
  expect(excessOf([sms, sms, sms], limits, at)).toEqual([])
  expect(excessOf([sms, sms, { ...sms, canary: true }], limits, at + 86_400_000)).toEqual([])
})

function put({ subject, data }: Stored): void {
  const partition = Number(subject.split('.')[1])
  const inputs = INPUTS[partition]!
  inputs.push({ subject, data })
  MACHINES[partition]!.apply({ sequence: inputs.length, timestampMs: 0, subject, data })
}

function carryErrands(): void {
  for (const [from, { machine }] of MACHINES.entries()) {
    for (const { partition, message } of machine.core!.errands()) {
      const key = `${from} ${partition} ${message.id}`
      if (CARRIED.has(key)) continue
      CARRIED.add(key)
      put({ subject: `control.${partition}`, data: encodeErrand(message) })
    }
  }
}

/** The comparison of streams that hold all inputs and refusals, and these decisions. */
function judge(decisions: readonly (readonly WireDecision[])[]): Promise<Comparison> {
  const streams = new Map<string, readonly Stored[]>()
  for (const [partition, { rejects }] of MACHINES.entries()) {
    streams.set(`IN_${partition}`, INPUTS[partition]!)
    streams.set(`OUT_${partition}`, [
      stored({ kind: 'decisions', decisions: decisions[partition] }),
    ])
    streams.set(`REJ_${partition}`, rejects.map(stored))
  }
  return STORY.compare!(STORY, managerOf(streams))
}

function stored(body: unknown): Stored {
  return { subject: '', data: encode(body) }
}

function managerOf(all: ReadonlyMap<string, readonly Stored[]>): JetStreamManager {
  const streams = {
    info: async (name: string) => ({ state: { first_seq: 1, last_seq: all.get(name)!.length } }),
    getMessage: async (name: string, { seq }: { seq: number }) => ({
      ...{ seq, timestamp: new Date(0).toISOString() },
      ...all.get(name)![seq - 1]!,
    }),
  }
  return { streams } as unknown as JetStreamManager
}
