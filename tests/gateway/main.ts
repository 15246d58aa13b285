/**
 * `npm run gateway -- webhook|smpp [--deliveries N] [--every SECONDS] [--json]`: many deliveries
 * through a gateway while gateway, target and broker are killed in turn; then what arrived at the
 * target is counted against what was decided. OUT is filled by a fast writer of decisions in the
 * engine's place.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { endChild, GatewayStage, idOf } from '../support/gateway-stage.ts'

const PARTITIONS = 2
const PER_MESSAGE = 500

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    deliveries: { type: 'string' },
    every: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
})
const kind = positionals[0]
if (kind !== 'webhook' && kind !== 'smpp') {
  console.error(
    'usage: npm run gateway -- webhook|smpp [--deliveries N] [--every SECONDS] [--json]',
  )
  process.exit(2)
}
process.exitCode = await run(
  kind,
  Number(values.deliveries ?? (kind === 'webhook' ? 1_000_000 : 100_000)),
  Number(values.every) * 1_000,
)

async function run(channel: 'webhook' | 'smpp', count: number, everyMs: number): Promise<number> {
  const stage = await GatewayStage.open(PARTITIONS)
  const port = await freePort()
  const logFile = join(stage.folder, 'target.log')
  const channels = { [channel]: await channelText(stage, channel, port) }
  await fill(stage, channel, count)
  const startMs = performance.now()
  let target = startTarget(channel, port, logFile)
  let gateway = await stage.spawn(channels)
  const kills = { gateway: 0, target: 0, broker: 0 }
  const order = ['gateway', 'target', 'broker'] as const
  let nextMs = startMs + everyMs
  for (let turn = 0; !(await isDone(stage, channel, count)); ) {
    await sleep(500)
    if (gateway.exitCode !== null) throw new Error(`the gateway ended: ${gateway.exitCode}`)
    if (performance.now() < nextMs) continue
    const victim = order[turn++ % order.length]!
    kills[victim] += 1
    if (victim === 'gateway') {
      await endChild(gateway, 'SIGKILL')
      gateway = await stage.spawn(channels)
    } else if (victim === 'target') {
      await endChild(target, 'SIGKILL')
      await sleep(1_000)
      target = startTarget(channel, port, logFile)
    } else {
      await stage.broker.kill('SIGKILL')
      await sleep(1_000)
      await stage.broker.restart()
    }
    nextMs = performance.now() + everyMs
  }
  const seconds = (performance.now() - startMs) / 1000
  await endChild(gateway, 'SIGTERM')
  await endChild(target, 'SIGKILL')
  const figures = await compare(stage, channel, count, logFile)
  await stage.close()
  const all = { channel, deliveries: count, seconds: Math.round(seconds), kills, ...figures }
  if (values.json) console.log(JSON.stringify(all))
  else for (const [name, value] of Object.entries(all)) console.log(name.padEnd(24), value)
  return figures.broken === 0 ? 0 : 1
}

/** What was decided, what GATE says of it, what the target got, what the partitions were told. */
async function compare(stage: GatewayStage, channel: string, count: number, logFile: string) {
  const arrived = new Map<string, number>()
  for await (const id of createInterface({ input: createReadStream(logFile) })) {
    arrived.set(id, (arrived.get(id) ?? 0) + 1)
  }
  const results = new Map<string, string>()
  const tally = { sent: 0, failed: 0, expired: 0, unknown: 0, withdrawn: 0 }
  let endedTwice = 0
  for (const { id, kind: result } of await stage.results(channel)) {
    if (results.has(id)) endedTwice += 1
    results.set(id, result)
    tally[result] += 1
  }
  const told = new Map<string, number>()
  for (const { id } of await stage.feedback()) told.set(id!, (told.get(id!) ?? 0) + 1)
  const figures = {
    ...tally,
    arrivedOnce: 0,
    arrivedMoreThanOnce: 0,
    neverArrived: 0,
    unknownArrived: 0,
    sentNotArrived: 0,
    expiredArrived: 0,
    endedTwice,
    endedNever: 0,
    toldTwice: [...told.values()].filter((times) => times > 1).length,
    sentNotTold: 0,
  }
  for (let sub = 1; sub <= count; sub++) {
    const id = idOf(sub)
    const times = arrived.get(id) ?? 0
    const result = results.get(id)
    if (times === 1) figures.arrivedOnce += 1
    if (times > 1) figures.arrivedMoreThanOnce += 1
    if (times === 0) figures.neverArrived += 1
    if (result === undefined) figures.endedNever += 1
    if (result === 'unknown' && times > 0) figures.unknownArrived += 1
    if (result === 'sent' && times === 0) figures.sentNotArrived += 1
    if (result === 'expired' && times > 0) figures.expiredArrived += 1
    if (result === 'sent' && !told.has(id)) figures.sentNotTold += 1
  }
  const { sentNotArrived, expiredArrived, endedNever, toldTwice, sentNotTold } = figures
  const isOnce = channel === 'smpp'
  const broken =
    (isOnce ? figures.arrivedMoreThanOnce : figures.neverArrived) +
    (sentNotArrived + expiredArrived + endedTwice + endedNever + toldTwice + sentNotTold)
  return { ...figures, broken }
}

async function fill(stage: GatewayStage, channel: string, count: number): Promise<void> {
  const notAfterMs = Date.now() + 6 * 3_600_000
  for (let partition = 0; partition < PARTITIONS; partition++) {
    let subs: number[] = []
    const flush = async (): Promise<void> => {
      await stage.decideMessage(
        partition,
        subs.map((sub) => ({ sub, channel, notAfterMs })),
      )
      subs = []
    }
    for (let sub = 1; sub <= count; sub++) {
      if (sub % PARTITIONS !== partition) continue
      subs.push(sub)
      if (subs.length === PER_MESSAGE) await flush()
    }
    if (subs.length > 0) await flush()
  }
}

/** Whether everything in OUT has its end; false while the broker cannot say. */
async function isDone(stage: GatewayStage, channel: string, count: number): Promise<boolean> {
  try {
    let done = 0
    for (let partition = 0; partition < PARTITIONS; partition++) {
      done += await stage.cursor(partition, channel)
    }
    return done >= count
  } catch {
    return false
  }
}

async function channelText(stage: GatewayStage, channel: string, port: number): Promise<string> {
  if (channel === 'webhook') {
    return (
      `{ kind: webhook, url: 'http://127.0.0.1:${port}/', addresses: [127.0.0.0/8], ` +
      'concurrency: 256, retryMin: 100ms, retryMax: 2s, breakerOpen: 500ms }'
    )
  }
  const passwordFile = await stage.secret('smsc', 'secret')
  return (
    `{ kind: smpp, url: 'smpp://127.0.0.1:${port}', systemId: a, from: '10086', window: 50, ` +
    `passwordFile: ${passwordFile}, reconnectMax: 1s, throttleMin: 100ms }`
  )
}

function startTarget(channel: string, port: number, logFile: string): ChildProcess {
  const program = join(import.meta.dirname, 'target-process.ts')
  const arguments_ = [program, channel, String(port), logFile]
  return spawn(process.execPath, arguments_, { stdio: ['ignore', 'inherit', 'inherit'] })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
