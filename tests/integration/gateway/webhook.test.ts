/** The gateway against a real HTTP server that is as bad as a target can be. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { endChild, GatewayStage, idOf } from '../../support/gateway-stage.ts'
import { WebhookTarget } from '../../support/webhook-target.ts'

let stage: GatewayStage
let target: WebhookTarget

beforeEach(async () => {
  stage = await GatewayStage.open(2)
  target = await WebhookTarget.open()
})

afterEach(async () => {
  await stage.close()
  await target.close()
})

/** A channel that posts to the target and is quick about everything. */
function webhook(more: Readonly<Record<string, string | number>> = {}): string {
  const settings = {
    kind: 'webhook',
    url: `'${target.url}'`,
    addresses: '[127.0.0.0/8]',
    timeout: '10s',
    retryMin: '20ms',
    retryMax: '100ms',
    breakerOpen: '100ms',
    ...more,
  }
  return `{ ${Object.entries(settings)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ')} }`
}

describe('a webhook', () => {
  test('gets each delivery once, signed, and the partition hears of it', async () => {
    target.secret = 'hush'
    const secretFile = await stage.secret('push', 'hush\n')
    const subs = Array.from({ length: 40 }, (_, i) => i + 1)
    const extra = { purpose: 'test', lang: 'en', segments: 1 }
    await stage.decide(subs.map((sub) => ({ sub, channel: sub === 7 ? 'other' : 'push', extra })))
    const { url } = await stage.start({ push: webhook({ secretFile }) })
    const rows = await stage.untilFeedback(39)
    expect(rows.every(({ kind }) => kind === 'sent')).toBe(true)
    expect(new Set(rows.map(({ id }) => id)).size).toBe(39)
    expect(target.requests).toHaveLength(39)
    expect(target.requests.every(({ isSigned }) => isSigned)).toBe(true)
    const first = target.requests.find(({ key }) => key === idOf(1))!
    expect(first.body).toMatchObject({ id: idOf(1), subscriber: 1, message: 'Hello', ...extra })
    expect((await fetch(`${url}/-/ready`)).status).toBe(200)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toMatch(/deliveries_total\{.*result="sent".*\} (19|20)/)
    expect(metrics).not.toContain('offer:')
  })

  test('may hang, lie, fail, redirect and talk without end', async () => {
    const moods = {
      1: ['hang', 204],
      2: ['reset', 204],
      3: ['rubbish', 500, 408, 204],
      4: ['redirect'],
      5: ['lie'],
      6: ['huge'],
      7: ['slow'],
      8: [404],
      9: ['patience', 204],
    } as const
    target.moodOf = (key, count) => moods[Number(key.split(':')[1]) as 1]?.[count] ?? 204
    await stage.decide(Object.keys(moods).map((sub) => ({ sub: Number(sub), channel: 'push' })))
    await stage.start({ push: webhook({ timeout: '500ms' }) })
    const rows = await stage.untilFeedback(9)
    const kinds = Object.fromEntries(rows.map(({ sub, kind }) => [sub, kind]))
    const failed = { 4: 'failed', 8: 'failed' }
    const sent = [1, 2, 3, 5, 6, 7, 9].map((sub) => [sub, 'sent'])
    expect(kinds).toEqual({ ...Object.fromEntries(sent), ...failed })
    const counts = Object.entries(moods).map(([sub]) => target.counts.get(idOf(Number(sub))))
    expect(counts).toEqual([2, 2, 4, 1, 1, 1, 1, 1, 2])
    const patient = target.requests.filter(({ key }) => key === idOf(9))
    expect(patient[1]!.atMs - patient[0]!.atMs).toBeGreaterThanOrEqual(900)
  })

  test('what it never got expires; what it may have got is unknown; what it refused failed', async () => {
    const notAfterMs = Date.now() + 1_500
    target.moodOf = (key) => (key === idOf(2) ? 'hang' : 500)
    await stage.decide([
      { sub: 2, channel: 'push', notAfterMs },
      { sub: 3, channel: 'push', notAfterMs },
      { sub: 4, channel: 'gone', notAfterMs },
      { sub: 5, channel: 'inside', notAfterMs },
    ])
    const gone = await WebhookTarget.open()
    const goneUrl = `'${gone.url}'`
    await gone.close()
    const inside = webhook({ addresses: 'public' })
    const push = webhook({ timeout: '500ms' })
    await stage.start({ push, gone: webhook({ url: goneUrl }), inside })
    const rows = await stage.untilFeedback(3)
    const kinds = Object.fromEntries(rows.map(({ sub, kind }) => [sub, kind]))
    expect(kinds).toEqual({ 3: 'failed', 4: 'expired', 5: 'expired' })
    const results = await stage.untilResults('push', 2)
    expect(results.find(({ id }) => id === idOf(2))?.kind).toBe('unknown')
  })

  test('a target that is down is left alone, and nothing is intended meanwhile', async () => {
    let isDown = true
    target.moodOf = () => (isDown ? 503 : 204)
    const subs = Array.from({ length: 200 }, (_, i) => i + 1)
    await stage.decide(subs.map((sub) => ({ sub, channel: 'push' })))
    const { gateway } = await stage.start({
      push: webhook({ breakerFailures: 5, concurrency: 4, breakerOpen: '300ms' }),
    })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(target.requests.length).toBeLessThan(40)
    expect(gateway.channels()[0]!.isUp).toBe(false)
    const inFlight = gateway.lanes().reduce((sum, lane) => sum + lane.inFlight, 0)
    expect(inFlight).toBeLessThanOrEqual(20)
    isDown = false
    const rows = await stage.untilFeedback(200)
    expect(rows.every(({ kind }) => kind === 'sent')).toBe(true)
  })

  test('kill -9 and another gateway: nothing is lost, and repeats bear the same key', async () => {
    const subs = Array.from({ length: 800 }, (_, i) => i + 1)
    await stage.decide(
      subs.map((sub) => ({ sub, channel: 'push' })),
      100,
    )
    const channels = { push: webhook({ concurrency: 16 }) }
    for (const share of [0.3]) {
      const child = await stage.spawn(channels)
      while (target.requests.length < subs.length * share) {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      await endChild(child, 'SIGKILL')
    }
    const last = await stage.spawn(channels)
    const rows = await stage.untilFeedback(subs.length, 60_000)
    expect(await endChild(last, 'SIGTERM')).toBe(0)
    expect(rows).toHaveLength(subs.length)
    expect(new Set(rows.map(({ id }) => id)).size).toBe(subs.length)
    expect(target.counts.size).toBe(subs.length)
    // At most what was in flight came twice.
    const repeats = target.requests.length - subs.length
    expect(repeats).toBeLessThanOrEqual(2 * 16)
  }, 90_000)
})

test('the channel nats puts single deliveries on a subject of their own', async () => {
  const credit = { action: { kind: 'credit', amount: 2, unit: 'yuan' }, message: undefined }
  await stage.decide([
    { sub: 1, channel: 'hotline' },
    { sub: 2, channel: 'hotline', extra: credit },
  ])
  await stage.start({ hotline: '{ kind: nats }' })
  const rows = await stage.untilFeedback(2)
  expect(rows.map(({ kind }) => kind)).toEqual(['sent', 'sent'])
  const published = await stage.published('hotline')
  expect(published.map(({ sub }) => sub).sort()).toEqual([1, 2])
  expect(published.find(({ sub }) => sub === 2)).toMatchObject({ action: credit.action })
})
