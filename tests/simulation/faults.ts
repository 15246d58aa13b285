/**
 * What can go wrong, one line each. A new fault is a new entry: it acts on the world, plans its own
 * end, and leaves nothing that `World.heal` does not mend. What it may make a partition say when it
 * halts belongs into halts.ts.
 */

import { ANSWER_TIMEOUT_MS } from './connection.ts'
import { SimDisk } from './disk.ts'
import type { Life } from './life.ts'
import { tamperBeforeStart, tamperLive } from './tampers.ts'
import { headOf, type World } from './world.ts'

interface Fault {
  readonly name: string
  /** How often it is chosen, compared with the others. */
  readonly weight: number
  readonly strike: (world: World) => void
}

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** Everything that a seed may choose from. */
export const FAULTS: readonly Fault[] = [
  { name: 'kill', weight: 8, strike: (world) => killOwner(world) },
  { name: 'kill in a call', weight: 8, strike: killInCall },
  { name: 'kill at a commit', weight: 4, strike: killAtCommit },
  { name: 'kill, disk gone or old or damaged', weight: 7, strike: killAndHarmDisk },
  { name: 'kill, streams tampered with', weight: 5, strike: killAndTamper },
  { name: 'streams tampered with', weight: 4, strike: tamperLive },
  { name: 'orderly restart', weight: 3, strike: restartOrderly },
  { name: 'pause', weight: 2, strike: (world) => pauseOwner(world) },
  { name: 'zombie', weight: 7, strike: makeZombie },
  { name: 'rival', weight: 4, strike: startRivals },
  { name: 'standby', weight: 8, strike: startStandby },
  { name: 'broker restart', weight: 7, strike: restartBroker },
  { name: 'connection cut', weight: 4, strike: cutConnection },
  { name: 'black hole', weight: 4, strike: swallowAll },
  { name: 'bad weather', weight: 9, strike: makeWeather },
  { name: 'stream full', weight: 4, strike: fillStream },
  { name: 'slow disk', weight: 4, strike: slowDisk },
  { name: 'failing disk', weight: 4, strike: failDisk },
  { name: 'clock step of a worker', weight: 4, strike: stepWorkerClock },
  { name: 'clock step of the broker', weight: 2, strike: stepBrokerClock },
  { name: 'retention', weight: 3, strike: ageStreams },
  { name: 'source glitch', weight: 2, strike: glitchSource },
  { name: 'other engine', weight: 2, strike: restartWithOtherEngine },
]

const ALL_WEIGHTS = FAULTS.reduce((sum, { weight }) => sum + weight, 0)
const FAULTS_MAX = 12

/** Lays out the faults of a run, and the moment from which there are no more. */
export function planFaults(world: World): void {
  const { random } = world
  const count = random.whole(2, FAULTS_MAX)
  const spanMs = random.whole(3_000, 11_000)
  for (let index = 0; index < count; index++) {
    const fault = pickFault(world)
    strikeWhenCalm(world, fault, random.next() * spanMs)
  }
  healWhenFed(world, spanMs)
}

function pickFault({ random }: World): Fault {
  let place = random.next() * ALL_WEIGHTS
  for (const fault of FAULTS) {
    place -= fault.weight
    if (place < 0) return fault
  }
  return FAULTS[0]!
}

/** While streams are tampered with, nothing else happens: only the right halt may come of it. */
function strikeWhenCalm(world: World, fault: Fault, delayMs: number): void {
  world.plan(delayMs, fault.name, () => {
    if (world.isHealed) return
    if (world.tampering === null) fault.strike(world)
    else strikeWhenCalm(world, fault, 300)
  })
}

function healWhenFed(world: World, delayMs: number): void {
  world.plan(delayMs, 'the end of faults', () => {
    if (world.tampering !== null) healWhenFed(world, 300)
    else world.heal()
  })
}

/** Ends something that a fault began; after the healing there is nothing left to end. */
function until(world: World, delayMs: number, label: string, end: () => void): void {
  world.plan(delayMs, label, () => {
    if (!world.isHealed) end()
  })
}

function killOwner(world: World): Life | null {
  const { owner } = world
  if (owner !== null) world.crash(owner)
  return owner
}

/** Somewhere in the next calls of its ports: between any two statements of the shell. */
function killInCall({ owner, random }: World): void {
  if (owner !== null) owner.callsLeft = random.whole(1, random.pick([5, 50, 400]))
}

/** While a checkpoint is on its way to the disk, which takes its time. */
function killAtCommit(world: World): void {
  const { owner, random } = world
  if (owner === null || owner.worker.status !== 'live') return
  owner.disk.flushMs = 200
  owner.worker.checkpoint().catch(() => undefined)
  until(world, random.next() * 800, 'killed at a commit', () => world.crash(owner))
}

function killAndHarmDisk(world: World): void {
  const { random } = world
  const owner = killOwner(world)
  if (owner === null) return
  const { disk } = owner
  const harm = random.pick(['damaged', 'damaged', 'old', 'lost'] as const)
  if (harm === 'damaged') {
    if (disk.damageOnePage(random)) world.tally.tornPages += 1
    world.disk = disk
    return
  }
  world.disk = new SimDisk()
  if (harm === 'old' && disk.backups.length > 0) world.disk.put(random.pick(disk.backups))
}

function killAndTamper(world: World): void {
  const owner = killOwner(world)
  if (owner === null || world.alive.length > 0) return
  world.disk = owner.disk
  tamperBeforeStart(world)
}

function restartOrderly({ owner }: World): void {
  owner?.stop()
}

function pauseOwner(world: World): Life | null {
  const { owner, random } = world
  if (owner === null) return null
  owner.pause()
  world.scheduler.note(`life ${owner.id} pauses`)
  until(world, random.whole(500, 5_000), 'wake up', () => owner.wake())
  return owner
}

/** The owner stops in the middle of something; another takes over; then the first wakes up. */
function makeZombie(world: World): void {
  const paused = pauseOwner(world)
  if (paused === null) return
  world.tally.zombies += 1
  startBeside(world, paused, world.random.next() * 300)
}

/** One or two others start while the owner lives, each on a disk of its own. */
function startRivals(world: World): void {
  const { owner, random } = world
  if (owner === null) return
  world.tally.rivals += 1
  startBeside(world, owner, 0)
  if (random.chance(0.3)) startBeside(world, owner, random.next() * 20)
}

/** A second owner, with a copy of the first one's image, an older one, or none. */
function startBeside(world: World, owner: Life, delayMs: number): void {
  const { random } = world
  const disk = new SimDisk()
  const from = random.pick(['copy', 'copy', 'old', 'nothing'] as const)
  until(world, delayMs, 'second owner', () => {
    if (world.tampering !== null) return
    if (from === 'copy') disk.put(owner.disk.image())
    if (from === 'old' && owner.disk.backups.length > 0) disk.put(random.pick(owner.disk.backups))
    if (owner.disk.damage !== null) return
    world.start({ disk })
    if (random.chance(0.5)) world.disk = disk
  })
}

/** Follows the owner, until it is silent or somebody says so, be the owner dead or not. */
function startStandby(world: World): void {
  const { owner, random, tally } = world
  if (owner === null || owner.disk.damage !== null) return
  tally.standbys += 1
  const disk = new SimDisk()
  if (random.chance(0.7)) disk.put(owner.disk.image())
  const promoteAfterMs = random.pick([null, 300, 1_500])
  const standby = world.start({ disk, standby: { promoteAfterMs } })
  if (standby === null || random.chance(0.4)) return
  until(world, random.whole(20, 3_000), 'promote', () => {
    if (world.tampering === null && standby.isAwake && standby.isStandby) standby.promote()
  })
}

function restartBroker(world: World): void {
  const { broker, random, tally } = world
  tally.brokerRestarts += 1
  broker.goDown()
  until(world, random.whole(20, 3_000), 'broker is back', () => broker.comeUp())
}

function cutConnection(world: World): void {
  const { owner, random } = world
  if (owner === null) return
  owner.connection.cut(true)
  until(world, random.whole(10, 3_000), 'connection is back', () => owner.connection.cut(false))
}

/** Everything is accepted and nothing comes through: only timeouts tell. */
function swallowAll(world: World): void {
  const { owner, random } = world
  if (owner === null) return
  const { connection, source } = owner
  connection.isDeaf = true
  until(world, random.whole(200, 3_000), 'black hole closes', () => {
    connection.isDeaf = false
    source.pump()
  })
}

/** Lost answers, lost requests, and requests that arrive long after their sender gave up. */
function makeWeather(world: World): void {
  const { broker, random } = world
  broker.weather = {
    latencyMs: random.pick([3, 30, 200]),
    requestLost: random.pick([0, 0.1, 0.3]),
    answerLost: random.pick([0, 0.1, 0.4]),
    requestLate: random.pick([0, 0.1, 0.4]),
    lateMs: ANSWER_TIMEOUT_MS * random.pick([0.5, 2, 4]),
  }
  until(world, random.whole(500, 4_000), 'fair weather', () => {
    broker.weather = world.climate
  })
}

function fillStream(world: World): void {
  const { broker, random } = world
  const stream = random.pick([broker.output, broker.output, broker.rejects, broker.input])
  stream.isFull = true
  until(world, random.whole(200, 3_000), 'room again', () => {
    stream.isFull = false
  })
}

function slowDisk(world: World): void {
  const { owner, random } = world
  if (owner === null) return
  const { disk } = owner
  disk.flushMs = random.pick([100, 1_000, 3_000])
  until(world, random.whole(500, 4_000), 'fast disk', () => {
    disk.flushMs = 4
  })
}

function failDisk({ owner, random }: World): void {
  if (owner !== null) owner.disk.failsIn = random.whole(1, 12)
}

function stepWorkerClock({ owner, random }: World): void {
  if (owner === null) return
  const stepMs = random.pick([MINUTE_MS, 6 * MINUTE_MS, HOUR_MS])
  owner.skewMs += random.chance(0.5) ? stepMs : -stepMs
}

/** Ahead by less than what halts a worker, or behind by up to an hour, as a new leader may be. */
function stepBrokerClock({ broker, random }: World): void {
  broker.skewMs = random.pick([-HOUR_MS, -MINUTE_MS, 3 * MINUTE_MS, 7 * MINUTE_MS])
}

/** What the owner's image does not need any more leaves both streams. */
function ageStreams(world: World): void {
  const { owner, random, broker } = world
  const head = owner === null ? null : headOf(owner.disk)
  if (owner === null || head === null || owner.disk.damage !== null) return
  world.vault = owner.disk.image()
  broker.input.trimBefore(head.sequence + 1 - random.whole(0, 3))
  broker.output.trimBefore(head.outputSequence + 1 - random.whole(0, 3))
}

/** An adapter that hands a message out twice, or not at all. */
function glitchSource({ owner, random }: World): void {
  if (owner !== null) owner.source.glitch = random.pick(['skip', 'repeat'] as const)
}

function restartWithOtherEngine(world: World): void {
  const owner = killOwner(world)
  if (owner === null) return
  world.disk = owner.disk
  world.planStart({ disk: owner.disk, engine: `sim-${owner.id + 1}` }, world.random.whole(10, 500))
}
