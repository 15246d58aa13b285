/**
 * Every protection of the engine, and how to take it away. A new promise brings its own line here:
 * a protection that no test misses is a protection that nobody keeps.
 */

import type { Mutant } from './mutant.ts'
import { MESSAGE_MUTANTS } from './message-list.ts'
import { JOURNEY_MUTANTS } from './journey-list.ts'
import { LOOP_MUTANTS } from './loop-list.ts'
import { OFFER_MUTANTS } from './offer-list.ts'
import { POLICY_MUTANTS } from './policy-list.ts'
import { STANDBY_MUTANTS } from './standby-list.ts'

const RECOVERY = 'src/partition/recovery.ts'
const HALTS = 'integration/halts.test.ts'
const HALTS_LIVE = 'integration/halts-live.test.ts'
const HALTS_IMAGE = 'integration/halts-image.test.ts'
const CHECKPOINT = 'integration/checkpoint.test.ts'
const FENCING = 'integration/fencing.test.ts'
const RECOVER = 'integration/recovery.test.ts'
const IMAGES = 'simulation/image.test.ts'

/** What keeps an image whole and at one position. */
const IMAGE_MUTANTS: readonly Mutant[] = [
  {
    name: 'checksum',
    protection: 'a page is loaded only with the right checksum',
    file: 'src/state/page-image.ts',
    before: 'if (view.getUint32(0, true) !== crc32(image.subarray(4))) {',
    after: 'if (view.getUint32(0, true) === -1) {',
    suites: [HALTS_IMAGE],
  },
  {
    name: 'page-place',
    protection: 'a page is loaded only in its own place',
    file: 'src/state/page-image.ts',
    before: 'if (!isRight) {',
    after: 'if (!isRight && image.byteLength === 0) {',
    suites: [HALTS_IMAGE],
  },
  {
    name: 'page-version',
    protection: 'a page is loaded only in the version that the manifest knows',
    file: 'src/state/page-image.ts',
    before: '    view.getUint32(0, true) === head.sum &&\n',
    after: '',
    suites: [HALTS_IMAGE, 'integration/storage-faults.test.ts'],
  },
  {
    name: 'manifest-checksum',
    protection: 'a manifest is read only with the right checksum',
    file: 'src/store/manifest-codec.ts',
    before: 'if (view.getUint32(4, true) !== crc32(bytes.subarray(8)))',
    after: 'if (view.getUint32(4, true) === -1)',
    suites: ['unit/store/manifest-codec.test.ts'],
  },
  {
    name: 'page-missing',
    protection: 'a page below the counts must be there',
    file: 'src/partition/image.ts',
    before: 'if (image === null || image.byteLength !== PAGE_HEAD_SIZE + table.pageSize) {',
    after: 'if (image === null) continue\n    if (image.byteLength === 0) {',
    suites: [HALTS_IMAGE],
  },
  {
    name: 'slot-flip',
    protection: 'a page is written into the slot that holds no committed version',
    file: 'src/state/image-sweep.ts',
    before: '? 1 - known[page]! : 0',
    after: '? known[page]! : 0',
    suites: [CHECKPOINT, IMAGES],
  },
  {
    name: 'slot-map-in-manifest',
    protection: 'the manifest says which slot of a page counts, not its age',
    file: 'src/partition/image.ts',
    before:
      '    const image = store.readPage({ table: id, page, slot: slots[page] === 1 ? 1 : 0 })\n',
    after: `    const read = (slot: 0 | 1): Uint8Array | null =>
      store.readPage({ table: id, page, slot })?.slice() ?? null
    const age = (bytes: Uint8Array | null): number =>
      bytes === null ? -1 : new DataView(bytes.buffer).getFloat64(16, true)
    const both = [read(0), read(1)] as const
    const image = age(both[1]) > age(both[0]) ? both[1] : both[0]
    generation = Number.MAX_VALUE
`,
    suites: [CHECKPOINT, IMAGES],
  },
  {
    name: 'manifest-last',
    protection: 'the manifest is committed after all pages',
    file: 'src/partition/checkpointer.ts',
    before: '        await this.#sweepPages(sweep)\n',
    after:
      '        const pages = this.#sweepPages(sweep)\n        pages.catch(() => undefined)\n        while (sweep.remainingCount > 0) await this.#clock.turn()\n',
    suites: [CHECKPOINT],
  },
  {
    name: 'keep-before-write',
    protection: 'a row of a running checkpoint is kept before it changes',
    file: 'src/state/paged-table.ts',
    before: 'if (this.pageFlags[page] === PAGE_SWEEPING) {',
    after: 'if (this.pageFlags[page] === PAGE_SWEEPING && page < 0) {',
    suites: [CHECKPOINT, IMAGES, 'unit/state/paged-table.test.ts'],
  },
  {
    name: 'abandoned-is-dirty',
    protection: 'pages of an abandoned attempt are dirty again',
    file: 'src/state/image-sweep.ts',
    before: 'for (const page of pages) table.pageFlags[page] = PAGE_DIRTY',
    after: 'for (const page of pages) table.pageFlags[page] ||= PAGE_CLEAN',
    suites: [CHECKPOINT, IMAGES, 'unit/state/paged-table.test.ts'],
  },
  {
    name: 'image-waits-for-out',
    protection: 'no image holds decisions that OUT has not acknowledged',
    file: 'src/partition/checkpointer.ts',
    before: `        await progress.acknowledged(snapshot.decisionNumber)
        await rejects.drained()
        if (progress.acknowledgedNumber < snapshot.decisionNumber || rejects.isStopped) {
`,
    after: `        await rejects.drained()
        if (rejects.isStopped) {
`,
    suites: [CHECKPOINT],
  },
  {
    name: 'image-waits-for-rej',
    protection: 'no image stands beyond input whose refusal is not stored',
    file: 'src/partition/checkpointer.ts',
    before: '        await rejects.drained()\n',
    after: '',
    suites: [CHECKPOINT],
  },
  {
    name: 'store-commit',
    protection: 'a store that cannot commit halts the partition',
    file: 'src/partition/checkpointer.ts',
    before: "        throw new PartitionHaltedError('store-commit',",
    after:
      "        if (this.count >= 0) return\n        throw new PartitionHaltedError('store-commit',",
    suites: [CHECKPOINT],
  },
]

/** What keeps the output chain in one hand. */
const CHAIN_MUTANTS: readonly Mutant[] = [
  {
    name: 'epoch',
    protection: 'past our place in OUT only messages of our own epoch are ours',
    file: 'src/partition/output-writer.ts',
    before: 'if (envelope.epoch !== this.#epoch && !isLateClaim) {',
    after: 'if (envelope.epoch !== this.#epoch && !isLateClaim && this.#epoch < 0) {',
    suites: [FENCING],
  },
  {
    name: 'chain-header',
    protection: 'each message expects the sequence of the one before',
    file: 'src/partition/output-writer.ts',
    before: 'await this.#output.publish(batch.bytes, this.#place.sequence)',
    after: 'await this.#output.publish(batch.bytes, null)',
    suites: [FENCING],
  },
  {
    name: 'claim',
    protection: 'an owner claims OUT before it says anything',
    file: RECOVERY,
    before: 'const claim = await claimOutput(',
    after:
      'const last = (await output.state()).lastSequence\n  const claim = { sequence: last, fingerprint: 0 } as OutputPlace | null\n  if (ports.isStopping()) await claimOutput(',
    suites: [FENCING],
  },
  {
    name: 'tail-read',
    protection: 'after an unclear answer the tail is read before the message is sent again',
    file: 'src/partition/output-writer.ts',
    before: 'if (envelope.first === batch.first) isStored = true',
    after: 'if (envelope.first === -1) isStored = true',
    suites: [FENCING],
  },
  {
    name: 'decision-numbers',
    protection: 'decisions up to the last number in OUT are not sent again',
    file: 'src/outbox/outbox.ts',
    before: 'if (number <= this.#replayTo) {',
    after: 'if (number <= this.#replayTo && number < 0) {',
    suites: [RECOVER],
  },
  {
    name: 'digest',
    protection: 'what replay decides must be what OUT holds',
    file: 'src/outbox/outbox.ts',
    before: 'if (expected !== undefined && expected !== this.digest.text()) {',
    after: "if (expected !== undefined && expected === '') {",
    suites: [RECOVER],
  },
  {
    name: 'image-digest',
    protection: 'image and OUT must agree on the last decision of both',
    file: 'src/partition/output-chain.ts',
    before: 'last === decisionNumber && digest !== this.#start.digest) {',
    after: 'last === decisionNumber && digest.length === 0) {',
    suites: [HALTS],
  },
  {
    name: 'replay-short',
    protection: 'replay must reach the last decision of OUT',
    file: 'src/partition/worker.ts',
    before: 'if (machine.outbox.isReplaying) {\n      throw',
    after: 'if (machine.outbox.isReplaying && machine.sequence < 0) {\n      throw',
    suites: [RECOVER],
  },
  {
    name: 'whole-input',
    protection: 'nothing of an input leaves before the whole input is applied',
    file: 'src/outbox/outbox.ts',
    before: 'const to = Math.min(this.#sealedCount, from + limits.batchDecisionsMax)',
    after: 'const to = Math.min(this.#ends.length, from + limits.batchDecisionsMax)',
    suites: ['unit/outbox/outbox.test.ts'],
  },
]

/** The checks of both streams. */
const STREAM_MUTANTS: readonly Mutant[] = [
  {
    name: 'input-recreated',
    protection: 'IN must be the stream that we read',
    file: RECOVERY,
    before: 'if (place !== null && state.created !== place.inputCreated) {',
    after: "if (place !== null && state.created === '') {",
    suites: [HALTS, HALTS_LIVE],
  },
  {
    name: 'input-truncated',
    protection: 'IN must reach to where we stand',
    file: RECOVERY,
    before: 'if (state.lastSequence < sequence) {\n    const text = `IN ends',
    after: 'if (state.lastSequence < 0) {\n    const text = `IN ends',
    suites: [HALTS, HALTS_LIVE],
  },
  {
    name: 'input-gap',
    protection: 'IN must still hold what we have not read',
    file: RECOVERY,
    before: 'if (state.firstSequence > sequence + 1) {\n    const text = `IN starts',
    after: 'if (state.firstSequence < 0) {\n    const text = `IN starts',
    suites: [HALTS],
  },
  {
    name: 'input-fingerprint',
    protection: 'the message of IN at our place must be the one that we applied',
    file: RECOVERY,
    before: 'if (message !== null && fingerprintOf(message) !== place.fingerprint) {',
    after: 'if (message !== null && fingerprintOf(message) === -1) {',
    suites: [HALTS],
  },
  {
    name: 'output-recreated',
    protection: 'OUT must be the stream that we wrote',
    file: RECOVERY,
    before: 'if (position !== null && state.created !== position.outputCreated) {',
    after: "if (position !== null && state.created === '') {",
    suites: [HALTS],
  },
  {
    name: 'output-truncated',
    protection: 'OUT must reach to where we stand',
    file: RECOVERY,
    before: 'if (state.lastSequence < sequence) {\n    const text = `OUT ends',
    after: 'if (state.lastSequence < 0) {\n    const text = `OUT ends',
    suites: [HALTS, HALTS_LIVE],
  },
  {
    name: 'output-end',
    protection: 'OUT must hold every decision that the image counts as said',
    file: RECOVERY,
    before: 'if (state.lastSequence < endSequence) {',
    after: 'if (state.lastSequence < endSequence && endSequence < 0) {',
    suites: [HALTS],
  },
  {
    name: 'output-gap',
    protection: 'numbers in the tail of OUT must follow each other',
    file: 'src/partition/output-chain.ts',
    before: 'if (!isNext) {',
    after: 'if (!isNext && first < 0) {',
    suites: [HALTS, RECOVER],
  },
  {
    name: 'output-fingerprint',
    protection: 'the message of OUT at our place must be the one that we wrote',
    file: RECOVERY,
    before: 'if (crc32(message.data) === position.outputFingerprint) continue',
    after: 'if (crc32(message.data) !== -1) continue',
    suites: [HALTS],
  },
  {
    name: 'output-shrank',
    protection: 'OUT that shrank under a live writer halts it',
    file: 'src/partition/output-writer.ts',
    before: 'if (lastSequence < this.#place.sequence) {',
    after: 'if (lastSequence < 0) {',
    suites: [HALTS_LIVE],
  },
  {
    name: 'sequence-jump',
    protection: 'inputs are applied one after the other, none left out, none twice',
    file: 'src/partition/machine.ts',
    before: 'if (message.sequence !== this.sequence + 1) {',
    after: 'if (message.sequence < 0) {',
    suites: [HALTS_LIVE],
  },
  {
    name: 'clock-ahead',
    protection: "the log's time may not run ahead of the worker's clock",
    file: 'src/partition/stream-watch.ts',
    before: "if (mode !== 'real' || timestampMs",
    after: "if (mode === 'real' || timestampMs",
    suites: [HALTS_LIVE],
  },
  {
    name: 'genesis',
    protection: 'the first input must be the genesis of this very partition',
    file: 'src/partition/machine.ts',
    before: "if (control.kind !== 'genesis' || control.partition !== this.#partition) {",
    after: "if (control.kind !== 'genesis') {",
    suites: ['unit/partition/machine.test.ts', HALTS],
  },
  {
    name: 'engine-version',
    protection: 'a new engine does not make decisions again that an old one has said',
    file: 'src/partition/output-tail.ts',
    before: '    if (!differs) continue\n',
    after: "    if (!differs || describe(maker) !== '') continue\n",
    suites: [RECOVER],
  },
]

/** What stands between producers and counters. */
const INPUT_MUTANTS: readonly Mutant[] = [
  {
    name: 'dedupe-map',
    protection: 'a repeat within the map changes nothing',
    file: 'src/state/producers.ts',
    before: "return isSet(state.applied, stamp.seq) ? 'repeat' : 'fresh'",
    after: "return isSet(state.applied, stamp.seq) && stamp.seq < 0 ? 'repeat' : 'fresh'",
    suites: ['unit/state/producers.test.ts', 'scenarios/data-pack.test.ts'],
  },
  {
    name: 'dedupe-below-map',
    protection: 'what lies below the map is refused, not dropped or applied',
    file: 'src/state/producers.ts',
    before: "return 'seq-too-old'",
    after: "return 'fresh'",
    suites: ['unit/state/producers.test.ts', 'scenarios/data-pack.test.ts'],
  },
  {
    name: 'overtaking',
    protection: 'a batch that was overtaken still counts',
    file: 'src/state/producers.ts',
    before: "return isSet(state.applied, stamp.seq) ? 'repeat' : 'fresh'",
    after: "return 'repeat'",
    suites: ['unit/state/producers.test.ts', 'scenarios/data-pack.test.ts'],
  },
  {
    name: 'producer-epoch',
    protection: 'a producer of an older epoch is refused',
    file: 'src/state/producers.ts',
    before: "if (stamp.epoch < state.epoch) return 'epoch-too-old'",
    after: "if (stamp.epoch < state.epoch) return 'fresh'",
    suites: ['unit/state/producers.test.ts', 'scenarios/data-pack.test.ts'],
  },
]

/** All mutants, in the order of the table. */
export const MUTANTS: readonly Mutant[] = [
  ...IMAGE_MUTANTS,
  ...CHAIN_MUTANTS,
  ...STANDBY_MUTANTS,
  ...STREAM_MUTANTS,
  ...INPUT_MUTANTS,
  ...POLICY_MUTANTS,
  ...OFFER_MUTANTS,
  ...LOOP_MUTANTS,
  ...JOURNEY_MUTANTS,
  ...MESSAGE_MUTANTS,
]
