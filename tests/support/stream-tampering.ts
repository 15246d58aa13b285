/** What operators, power cuts and restored backups do to streams, done on purpose. */

import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DiscardPolicy } from '@nats-io/jetstream'
import { expect } from 'vitest'
import type { HaltReason } from '../../src/errors.ts'
import type { Installation, TestWorker, WorkerChoice } from './worker-harness.ts'

/** Deletes a stream and makes it anew with the same settings. */
export async function recreateStream(installation: Installation, stream: string): Promise<void> {
  const manager = await installation.manager()
  const { config } = await manager.streams.info(stream)
  await manager.streams.delete(stream)
  await manager.streams.add(config)
}

/** Drops all but the newest `keep` messages, as an operator's change of limits would. */
export async function dropOldest(
  installation: Installation,
  stream: string,
  keep: number,
): Promise<void> {
  const manager = await installation.manager()
  const { config } = await manager.streams.info(stream)
  await manager.streams.update(stream, { ...config, discard: DiscardPolicy.Old, max_msgs: keep })
  await manager.streams.update(stream, { ...config })
}

/** Runs `change`, then puts the stream's files back to what they were before it. */
export async function rollBackStream(
  installation: Installation,
  stream: string,
  change: () => Promise<void>,
): Promise<void> {
  const { server, directory } = installation
  const live = join(server.storeDirectory, 'jetstream', '$G', 'streams', stream)
  const saved = join(directory, `saved-${stream}`)
  await server.kill('SIGTERM')
  await cp(live, saved, { recursive: true })
  await server.restart()
  await installation.untilConnected()
  await change()
  await server.kill('SIGTERM')
  await rm(live, { recursive: true })
  await cp(saved, live, { recursive: true })
  await server.restart()
  await installation.untilConnected()
}

/** Starts a worker that must halt, and looks at what a halt promises. */
export async function expectHalt(
  installation: Installation,
  reason: HaltReason,
  choice: WorkerChoice = {},
): Promise<void> {
  await expectHalted(installation, await installation.startWorker(choice), reason)
}

/** Waits for a worker to halt; after that it takes no input and says nothing. */
export async function expectHalted(
  installation: Installation,
  { worker, done }: TestWorker,
  reason: HaltReason,
): Promise<void> {
  await done
  expect(worker.halt).toMatchObject({ code: 'HW_PARTITION_HALTED', reason })
  expect(worker.view()).toMatchObject({ status: 'halted', halt: { reason } })
  const before = (await installation.readOut()).length
  await installation.cross([777])
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await installation.readOut()).toHaveLength(before)
}
