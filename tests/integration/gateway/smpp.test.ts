/** The gateway against an SMSC that throttles, drops, delays, passes on what customers write. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { endChild, GatewayStage, idOf, type StageRow } from '../../support/gateway-stage.ts'
import { Smsc } from '../../support/smsc.ts'

const THROTTLED = 0x58
const QUEUE_FULL = 0x14
const INVALID_ADDRESS = 0x0b

let stage: GatewayStage
let smsc: Smsc

beforeEach(async () => {
  stage = await GatewayStage.open(2)
  smsc = await Smsc.open()
})

afterEach(async () => {
  await stage.close()
  await smsc.close()
})

async function sms(more: Readonly<Record<string, string | number>> = {}): Promise<string> {
  const passwordFile = await stage.secret('smsc', 'secret')
  const settings = {
    kind: 'smpp',
    url: `'${smsc.url}'`,
    systemId: 'highwater',
    passwordFile,
    from: "'10086'",
    reconnectMax: '100ms',
    throttleMin: '20ms',
    answerTimeout: '1s',
    ...more,
  }
  return `{ ${Object.entries(settings)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ')} }`
}

function kindsOf(rows: readonly StageRow[]): Record<number, string[]> {
  const kinds: Record<number, string[]> = {}
  for (const { sub, kind } of rows) kinds[sub] = [...(kinds[sub] ?? []), kind]
  return kinds
}

const timesTaken = (): Map<string, number> => {
  const times = new Map<string, number>()
  for (const { to } of smsc.taken) times.set(to, (times.get(to) ?? 0) + 1)
  return times
}

describe('an SMSC', () => {
  test('gets texts in both alphabets, long ones in parts, and sends receipts', async () => {
    const long = 'x'.repeat(200)
    smsc.receiptOf = ({ to }) => ({ state: to === '863' ? 'UNDELIV' : 'DELIVRD', afterMs: 5 })
    await stage.decide([
      { sub: 1, channel: 'sms', message: 'Reply VIP: 5 € [now]' },
      { sub: 2, channel: 'sms', message: '回复VIP' },
      { sub: 3, channel: 'sms', message: long },
    ])
    await stage.start({ sms: await sms({ prefix: "'86'" }) })
    const rows = await stage.untilFeedback(6)
    expect(kindsOf(rows)).toEqual({
      1: ['sent', 'delivered'],
      2: ['sent', 'delivered'],
      3: ['sent', 'failed'],
    })
    const taken = (to: string) => smsc.taken.filter((message) => message.to === to)
    expect(taken('861')[0]).toMatchObject({ text: 'Reply VIP: 5 € [now]', dataCoding: 0 })
    expect(taken('862')[0]).toMatchObject({ text: '回复VIP', dataCoding: 8, from: '10086' })
    expect(taken('863').map(({ text }) => text.length)).toEqual([153, 47])
    expect(taken('863').map(({ udh }) => [...udh![0]!].slice(3))).toEqual([
      [2, 1],
      [2, 2],
    ])
  })

  test('may be busy: what it refused is submitted again, and nothing else', async () => {
    const busy = new Set<string>()
    smsc.moodOf = (to, count) => {
      if (to === '9') return INVALID_ADDRESS
      if (count % 3 !== 0 || busy.has(to)) return 0
      busy.add(to)
      return count % 2 === 0 ? THROTTLED : QUEUE_FULL
    }
    const subs = Array.from({ length: 60 }, (_, i) => i + 1)
    await stage.decide(subs.map((sub) => ({ sub, channel: 'sms' })))
    const { gateway } = await stage.start({ sms: await sms() })
    const rows = await stage.untilFeedback(60)
    expect(rows.filter(({ kind }) => kind === 'failed').map(({ sub }) => sub)).toEqual([9])
    expect([...timesTaken().values()].every((times) => times === 1)).toBe(true)
    expect(timesTaken().size).toBe(59)
    expect(busy.size).toBeGreaterThan(5)
    expect(gateway.channels()[0]!.throttles).toBeGreaterThan(0)
    expect(gateway.lanes().reduce((sum, { reasons }) => sum + (reasons['smpp-0x0b'] ?? 0), 0)).toBe(
      1,
    )
  })

  test('may drop connections and be silent: nothing is submitted twice', async () => {
    smsc.moodOf = (to, count) => {
      if (count === 20) return 'drop-before'
      if (count === 40) return 'drop-after'
      return to === '77' ? 'silent' : 0
    }
    const subs = Array.from({ length: 100 }, (_, i) => i + 1)
    await stage.decide(subs.map((sub) => ({ sub, channel: 'sms' })))
    await stage.start({ sms: await sms({ window: 10 }) })
    const results = await stage.untilResults('sms', 100)
    expect([...timesTaken().values()].every((times) => times === 1)).toBe(true)
    const unknown = results.filter(({ kind }) => kind === 'unknown')
    expect(unknown.map(({ id }) => id)).toContain(idOf(77))
    expect(unknown.length).toBeLessThanOrEqual(1 + 2 * 10)
    const sent = results.filter(({ kind }) => kind === 'sent')
    expect(sent.length + unknown.length).toBe(100)
    expect(smsc.binds).toBeGreaterThan(2)
  })

  test('passes on receipts before their answer, repeats, strays, and what customers write', async () => {
    smsc.moodOf = () => 'receipt-first'
    await stage.decide([{ sub: 1, channel: 'sms' }])
    const { gateway } = await stage.start({ sms: await sms({ prefix: "'86'" }) })
    await stage.untilFeedback(2)
    expect(await smsc.receipt('m1', 'DELIVRD')).toBe(0)
    expect(await smsc.reply('+8613800000001', '10086', ' vip ')).toBe(0)
    expect(await smsc.reply('+8613800000001', '10086', ' vip ')).toBe(0)
    expect(await smsc.reply('8613800000002', '10086', '退订')).toBe(0)
    expect(await smsc.reply('8613800000003', '999', 'VIP')).toBe(0)
    expect(await smsc.reply('Bank', '10086', 'VIP')).toBe(0)
    const rows = await stage.untilFeedback(4)
    expect(rows.filter(({ id }) => id !== undefined).map(({ kind }) => kind)).toEqual([
      'sent',
      'delivered',
    ])
    const replies = rows.filter(({ kind }) => kind === 'replied')
    expect(replies.map(({ sub, text, channel }) => [sub, text, channel]).sort()).toEqual([
      [13_800_000_001, ' vip ', 'sms'],
      [13_800_000_002, '退订', 'sms'],
    ])
    expect(gateway.channels()[0]!.strays).toBe(2)
  })

  test('keeps to a window and a rate, and a wrong password is no reason to give up', async () => {
    smsc.password = 'other'
    await stage.decide(Array.from({ length: 40 }, (_, i) => ({ sub: i + 1, channel: 'sms' })))
    const { gateway, url } = await stage.start({ sms: await sms({ perSecond: 40 }) })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(gateway.channels()[0]!.isUp).toBe(false)
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('target_up{channel="sms"} 0')
    smsc.password = 'secret'
    const startMs = performance.now()
    await stage.untilFeedback(40)
    expect(performance.now() - startMs).toBeGreaterThan(800)
  })

  test('kill -9: what was intended is never submitted again, and receipts find their way', async () => {
    const subs = Array.from({ length: 600 }, (_, i) => i + 1)
    await stage.decide(
      subs.map((sub) => ({ sub, channel: 'sms' })),
      50,
    )
    const channels = { sms: await sms({ window: 5 }) }
    const first = await stage.spawn(channels)
    while (smsc.taken.length < 200) await new Promise((resolve) => setTimeout(resolve, 5))
    await endChild(first, 'SIGKILL')
    const before = smsc.taken.length
    await stage.start(channels)
    const results = await stage.untilResults('sms', 600)
    expect(timesTaken().size).toBe(smsc.taken.length)
    const unknown = results.filter(({ kind }) => kind === 'unknown')
    expect(unknown.length).toBeLessThanOrEqual(2 * 5)
    expect(results.length).toBe(600)
    // Taken before the kill, receipt after it: the map comes from GATE.
    const known = new Map(results.map(({ id, kind }) => [id, kind]))
    const early = smsc.taken
      .slice(0, before)
      .find(({ to }) => known.get(idOf(Number(to))) === 'sent')!
    expect(await smsc.receipt(early.id, 'DELIVRD')).toBe(0)
    const rows = await stage.untilFeedback(600 - unknown.length + 1)
    const kinds = kindsOf(rows)[Number(early.to)]
    expect(kinds).toEqual(['sent', 'delivered'])
  }, 120_000)
})
