/**
 * Every halt over IN or OUT, ruled on: the partition goes on, says nothing twice, loses what was
 * said.
 */

import { encode } from '@msgpack/msgpack'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { expectToGoOn, Heard, ruleOn } from '../support/after-ruling.ts'
import {
  dropOldest,
  expectHalt,
  recreateStream,
  rollBackStream,
} from '../support/stream-tampering.ts'
import {
  type Installation,
  leaveImage,
  openInstallation,
  range,
  untilSaid,
} from '../support/worker-harness.ts'

let installation: Installation
let heard: Heard

beforeEach(async () => {
  installation = await openInstallation()
  heard = new Heard()
})

afterEach(async () => {
  await installation.close()
})

/** Goes on from the image at input 3: decisions 21 to 25 that no image knows, and a crash. */
async function leaveTail(): Promise<void> {
  const started = await installation.startLive()
  await installation.cross(range(21, 25))
  await untilSaid(started, 25)
  await started.crash()
  await heard.listen(installation)
}

/** An image at input 3 with decisions 1 to 20, five more in OUT, and a crash. */
async function leaveImageAndTail(): Promise<void> {
  await leaveImage(installation)
  await leaveTail()
}

describe('IN', () => {
  test('made anew: goes on in the new one; only what nobody had read is lost', async () => {
    await leaveImageAndTail()
    await installation.cross([26])
    await recreateStream(installation, 'IN_0')
    for (const subscribers of [[1], [21], [31]]) await installation.cross(subscribers)
    await expectHalt(installation, 'input-recreated')
    const text = await ruleOn(installation, { choose: 'new-baseline' })
    expect(text).toContain('input-recreated: new-baseline, input 1')
    // 777 comes after each halt; 26 was in the old stream only.
    await expectToGoOn(installation, heard, [...range(1, 25), 31, 777])
  })

  test('shorter than where we stand: goes on with what came after the loss', async () => {
    await installation.makeStreams()
    await rollBackStream(installation, 'IN_0', leaveImageAndTail)
    await expectHalt(installation, 'input-truncated')
    const text = await ruleOn(installation, { choose: 'new-baseline' })
    expect(text).toContain('input-truncated: new-baseline, input 2')
    await installation.cross([1, 21, 31])
    await expectToGoOn(installation, heard, [...range(1, 25), 31, 777])
  })

  test('shorter and grown again: goes on with what came after the loss', async () => {
    await installation.makeStreams()
    await rollBackStream(installation, 'IN_0', leaveImageAndTail)
    for (const subscribers of [[1], [21], [31]]) await installation.cross(subscribers)
    await expectHalt(installation, 'input-fingerprint')
    const text = await ruleOn(installation, { choose: 'new-baseline' })
    expect(text).toContain('input-fingerprint: new-baseline, input 2')
    await expectToGoOn(installation, heard, [...range(1, 25), 31, 777])
  })

  test('without what we have not read: goes on with what there is', async () => {
    await leaveImageAndTail()
    for (const subscribers of [[26], [31], [21]]) await installation.cross(subscribers)
    await dropOldest(installation, 'IN_0', 2)
    await expectHalt(installation, 'input-gap')
    await ruleOn(installation, { choose: 'new-baseline' })
    await expectToGoOn(installation, heard, [...range(1, 25), 31, 777])
  })

  test('not from its beginning, and no image: an empty state that knows what was said', async () => {
    await leaveImageAndTail()
    for (const subscribers of [[21], [31]]) await installation.cross(subscribers)
    await dropOldest(installation, 'IN_0', 2)
    await expectHalt(installation, 'input-gap', { name: 'b' })
    await dropOldest(installation, 'OUT_0', 2)
    const text = await ruleOn(installation, { choose: 'new-baseline' }, 'b')
    expect(text).toContain('opt-outs')
    await expectToGoOn(installation, heard, [...range(1, 25), 31, 777], { name: 'b' })
  })

  test('lost altogether, and no image: IN is made anew, as well', async () => {
    await leaveImageAndTail()
    await (await installation.manager()).streams.delete('IN_0')
    await ruleOn(installation, { choose: 'new-baseline' }, 'b')
    for (const subscribers of [[1], [31]]) await installation.cross(subscribers)
    await expectToGoOn(installation, heard, [...range(1, 25), 31], { name: 'b' })
  })
})

describe('OUT', () => {
  test('made anew: what the image does not know is said again under its numbers', async () => {
    await leaveImageAndTail()
    await recreateStream(installation, 'OUT_0')
    await expectHalt(installation, 'output-recreated')
    const text = await ruleOn(installation, { choose: 'new-baseline' })
    expect(text).toContain('decisions 1 to 20 for readers that have not read them')
    await expectToGoOn(installation, heard, [...range(1, 25), 777])
    const again = (await installation.readOut()).flatMap(({ decisions = [] }) => decisions)
    expect(again[0]).toMatchObject({ n: 21, sub: 21 })
  })

  test('shorter than where we stand: likewise', async () => {
    await installation.makeStreams()
    await rollBackStream(installation, 'OUT_0', leaveImageAndTail)
    await expectHalt(installation, 'output-truncated')
    await ruleOn(installation, { choose: 'new-baseline' })
    await expectToGoOn(installation, heard, [...range(1, 25), 777])
  })

  test('with another message where we stand: likewise', async () => {
    await installation.makeStreams()
    await rollBackStream(installation, 'OUT_0', leaveImageAndTail)
    for (const _ of range(1, 8)) installation.connection.publish('out.0', encode({ kind: 'other' }))
    await installation.connection.flush()
    await expectHalt(installation, 'output-fingerprint')
    await ruleOn(installation, { choose: 'new-baseline' })
    await expectToGoOn(installation, heard, [...range(1, 25), 777])
  })

  test('without some of what came after the image: all of that counts as said', async () => {
    await leaveImage(installation)
    const before = await installation.startLive()
    for (const subscriber of range(21, 25)) {
      await installation.cross([subscriber])
      await untilSaid(before, subscriber)
    }
    await before.crash()
    await heard.listen(installation)
    await dropOldest(installation, 'OUT_0', 2)
    await expectHalt(installation, 'output-gap')
    await ruleOn(installation, { choose: 'new-baseline' })
    await expectToGoOn(installation, heard, [...range(1, 25), 777])
    const again = (await installation.readOut()).flatMap(({ decisions = [] }) => decisions)
    expect(again.map(({ n }) => n)).toEqual(range(24, 41))
  })

  test('and IN both lost altogether: one ruling makes and mends both', async () => {
    await leaveImageAndTail()
    const { streams } = await installation.manager()
    await Promise.all([streams.delete('OUT_0'), streams.delete('IN_0')])
    await expect(ruleOn(installation, { choose: 'new-baseline' })).rejects.toThrow('--number')
    await ruleOn(installation, { choose: 'new-baseline', readNumber: 25 })
    // Nobody knows any more that 21 was spoken to: neither the image, nor IN, nor OUT.
    await installation.cross([1, 31])
    await expectToGoOn(installation, heard, [...range(1, 25), 31])
    const first = (await installation.readOut()).find(({ kind }) => kind === 'decisions')
    expect(first?.decisions[0]).toMatchObject({ n: 26, sub: 31 })
  })
})
