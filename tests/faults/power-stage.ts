/**
 * A stage (`worker-life.ts`) on machines that can lose their power: one, or three with a cluster.
 * Each has a disk of its own for its broker; the worker lives on the first.
 */

import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connectToNats } from '../../src/sink/connection.ts'
import { findNatsServer, type PrivateServer } from '../../src/sink/nats-server.ts'
import { BlockDevice } from '../support/block-device.ts'
import type { WorkerProcess } from '../support/kill-worker.ts'
import { type NatsCluster, startNatsCluster } from '../support/nats-cluster.ts'
import { startNatsServer } from '../support/nats-server.ts'
import { findNewerNatsServer } from '../support/newer-nats-server.ts'
import type { Story } from './story.ts'
import { Stage } from './worker-life.ts'

/** How the broker is set up. */
export interface PowerSetting {
  readonly machineCount: 1 | 3
  /** `usual`: what all other tests use, Debian's as a rule. */
  readonly program: 'usual' | 'newer'
  /** As in `PrivateServerOptions`; null: the server's own, two minutes. */
  readonly syncInterval: string | null
}

/** Starts the machines for a story. The caller closes the stage. */
export async function openPowerStage(story: Story, setting: PowerSetting): Promise<PowerStage> {
  const disks: BlockDevice[] = []
  const closers: (() => Promise<unknown>)[] = []
  try {
    for (let index = 0; index < setting.machineCount; index++) disks.push(await BlockDevice.open())
    const storeDirectories = disks.map(({ folder }) => join(folder, 'nats'))
    const program = await programOf(setting)
    const { syncInterval } = setting
    const options = { program, ...(syncInterval === null ? {} : { syncInterval }) }
    let servers: readonly PrivateServer[]
    let cluster: NatsCluster | null = null
    if (setting.machineCount === 1) {
      const server = await startNatsServer({ ...options, storeDirectory: storeDirectories[0]! })
      servers = [server]
      closers.push(() => server.stop())
    } else {
      cluster = await startNatsCluster({ ...options, storeDirectories })
      servers = cluster.servers
      closers.push(() => cluster!.stop())
    }
    const directory = await mkdtemp(join(tmpdir(), 'highwater-stage-'))
    const urls = servers.map(({ url }) => url)
    const connection = await connectToNats({ servers: urls, name: 'story' })
    const manager = await jetstreamManager(connection, { checkAPI: false })
    const stage = new Stage(directory, servers[0]!, connection, manager, story)
    closers.push(() => stage.close())
    // Slow and often: a checkpoint is under way at nearly every moment.
    const config = await stage.configure('a', {
      nats: { servers: urls },
      store: { directory: join(disks[0]!.folder, 'store') },
      // The disk is small, and a limit is a reservation.
      streams: { replicas: servers.length, rejectMaxSize: '16 MiB' },
      checkpoint: { every: '200ms', bandwidth: '5 MB per second' },
    })
    return new PowerStage(stage, disks, servers, cluster, config, closers)
  } catch (error) {
    await closeAll(closers, disks)
    throw error
  }
}

/** Machines that run. */
export class PowerStage {
  readonly stage: Stage
  readonly #disks: readonly BlockDevice[]
  readonly #servers: readonly PrivateServer[]
  readonly #cluster: NatsCluster | null
  readonly #config: string
  readonly #closers: (() => Promise<unknown>)[]

  constructor(
    stage: Stage,
    disks: readonly BlockDevice[],
    servers: readonly PrivateServer[],
    cluster: NatsCluster | null,
    config: string,
    closers: (() => Promise<unknown>)[],
  ) {
    this.stage = stage
    this.#disks = disks
    this.#servers = servers
    this.#cluster = cluster
    this.#config = config
    this.#closers = closers
  }

  get machineCount(): number {
    return this.#disks.length
  }

  startWorker(): WorkerProcess {
    return this.stage.start(this.#config)
  }

  /** As after half a minute of quiet: what is written so far is on the disks. */
  async growOlder(): Promise<void> {
    for (const disk of this.#disks) await disk.sync()
  }

  /** Cuts the power of a machine, with all that runs on it; resolves when it is dark. */
  async cutPower(machine: number, worker: WorkerProcess): Promise<void> {
    const server = this.#servers[machine]!
    const pids = machine === 0 && !worker.isGone ? [server.pid, worker.pid] : [server.pid]
    await this.#disks[machine]!.cut(pids)
    await server.kill('SIGKILL')
    if (machine === 0) await worker.untilEnded()
  }

  /** The power is back, and the broker starts on what its disk holds. The worker does not yet. */
  async powerUp(machine: number): Promise<void> {
    await this.#disks[machine]!.mount()
    await this.#servers[machine]!.restart()
    if (this.machineCount === 1) await this.stage.untilConnected()
  }

  /** With three machines: until each has all there is again; the next cut must find three. */
  async untilInSync(): Promise<void> {
    for (const stream of ['IN_0', 'OUT_0', 'REJ_0']) {
      await this.#cluster?.untilInSync(this.stage.manager, stream)
    }
  }

  close(): Promise<void> {
    return closeAll(this.#closers, this.#disks)
  }
}

async function closeAll(
  closers: (() => Promise<unknown>)[],
  disks: readonly BlockDevice[],
): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
  for (const disk of disks) await disk.close()
}

async function programOf({ program }: PowerSetting): Promise<string> {
  if (program === 'usual') return findNatsServer()
  const found = await findNewerNatsServer('build')
  if (found.program === null) throw new Error(found.obstacle)
  return found.program
}
