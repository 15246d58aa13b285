/**
 * Fills the image that a worker left, a process of its own: args store directory, subscribers. The
 * image keeps its place in both streams: for all it says, the subscribers were there before the
 * first message. Reports seconds and bytes.
 */

import { readManifestHead, loadImage } from '../../src/partition/image.ts'
import { Checkpointer } from '../../src/partition/checkpointer.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import type { OutputProgress } from '../../src/partition/output-chain.ts'
import { RejectWriter } from '../../src/partition/reject-writer.ts'
import { SYSTEM_CLOCK } from '../../src/partition/system-clock.ts'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { fillMachine } from './crowd.ts'
import { Traffic } from './traffic.ts'

/** What filling came to. */
export interface CrowdReport {
  readonly fillSeconds: number
  readonly imageSeconds: number
  /** Bytes in memory and on disk. */
  readonly stateSize: number
  readonly diskSize: number
}

const SEED = 20261123

const [directory = '', subscribers = ''] = process.argv.slice(2)
const store = await openStore(directory)
const head = readManifestHead(store)
if (head === null) throw new Error('the worker left no image')
const machine = new PartitionMachine(0)
const { core, files, slotMaps } = loadImage(store, head, machine.outbox, machine.rejects)
machine.adopt(core, parseCatalog(files).catalog)
const { sequence, fingerprint } = core
const startedAtMs = performance.now()
fillMachine(machine, new Traffic(SEED, Number(subscribers)), Number(subscribers), Date.now())
core.sequence = sequence
core.fingerprint = fingerprint
const filledAtMs = performance.now()
const settings = { everyMs: 1, bandwidth: 1 }
const checkpointer = new Checkpointer(store, SYSTEM_CLOCK, head.engine, settings, {
  head,
  slotMaps,
})
const progress: OutputProgress = {
  epoch: head.epoch,
  place: { sequence: head.outputSequence, fingerprint: head.outputFingerprint },
  acknowledgedNumber: head.decisionNumber,
  acknowledged: () => Promise.resolve(),
}
const unavailable = { publish: () => Promise.reject(new Error('a fill has no rejects')) }
checkpointer.hurry()
await checkpointer.begin(
  core,
  { inputCreated: head.inputCreated, outputCreated: head.outputCreated },
  progress,
  new RejectWriter(unavailable, SYSTEM_CLOCK, machine.rejects),
)
const report: CrowdReport = {
  fillSeconds: (filledAtMs - startedAtMs) / 1000,
  imageSeconds: (performance.now() - filledAtMs) / 1000,
  stateSize: core.stateSize(),
  diskSize: store.diskSize(),
}
await store.close()
await new Promise((resolve) => process.send?.(report, resolve))
process.disconnect()
