/** A stage (`worker-life.ts`) on a cluster of three, with three copies of each stream. */

import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connectToNats } from '../../src/sink/connection.ts'
import { type NatsCluster, startNatsCluster } from '../support/nats-cluster.ts'
import { findNewerNatsServer } from '../support/newer-nats-server.ts'
import type { Story } from './story.ts'
import { Stage, type StageSettings } from './worker-life.ts'

const STREAMS = ['IN_0', 'OUT_0', 'REJ_0'] as const

/** A cluster and what plays on it. */
export interface ClusterStage {
  readonly stage: Stage
  readonly cluster: NatsCluster
  /** Settings that a worker of this stage needs. */
  readonly settings: StageSettings
  /** Waits until all copies of all streams are up to date: the next fault must find three. */
  readonly untilInSync: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Starts the cluster for a story. The caller closes the stage. */
export async function openClusterStage(story: Story): Promise<ClusterStage> {
  const { program, obstacle } = await findNewerNatsServer('build')
  if (program === null) throw new Error(obstacle)
  const cluster = await startNatsCluster({ program })
  const directory = await mkdtemp(join(tmpdir(), 'highwater-stage-'))
  const connection = await connectToNats({ servers: [...cluster.urls], name: 'story' })
  const manager = await jetstreamManager(connection, { checkAPI: false })
  const stage = new Stage(directory, cluster.servers[0]!, connection, manager, story)
  return {
    stage,
    cluster,
    settings: { nats: { servers: cluster.urls }, streams: { replicas: cluster.servers.length } },
    async untilInSync() {
      for (const stream of STREAMS) await cluster.untilInSync(manager, stream)
    },
    async close() {
      await stage.close()
      await cluster.stop()
    },
  }
}
