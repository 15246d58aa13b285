import { expect, test } from 'vitest'
import { StoreError } from '../../../src/errors.ts'
import { createMetrics } from '../../../src/metrics/registry.ts'
import { SUPPRESSION_REASONS } from '../../../src/model/decision.ts'
import { REJECT_REASONS } from '../../../src/model/reject.ts'
import { createFakeWorker, FAKE_START_MS } from '../../support/worker-view.ts'

const clock = { nowMs: () => FAKE_START_MS + 40_000 }

/** All samples of an exposition, by `name{labels}` as written. */
async function scrape(metrics: {
  render: () => Promise<string>
}): Promise<ReadonlyMap<string, number>> {
  const samples = new Map<string, number>()
  for (const line of (await metrics.render()).split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const space = line.lastIndexOf(' ')
    samples.set(line.slice(0, space), Number(line.slice(space + 1)))
  }
  return samples
}

function createTestMetrics(worker = createFakeWorker(2), triggerLabelsMax = 200) {
  return createMetrics(worker.view, { clock, isProcessIncluded: false, triggerLabelsMax })
}

test('a scrape shows the numbers that the partitions have at that moment', async () => {
  const worker = createFakeWorker(2)
  const metrics = createTestMetrics(worker)
  const records = 'highwater_records_total{partition="1"}'
  expect((await scrape(metrics)).get(records)).toBe(900)
  worker.advance()
  worker.partitions[0]!.statistics.records = 7
  const samples = await scrape(metrics)
  expect(samples.get(records)).toBe(1_800)
  expect(samples.get('highwater_records_total{partition="0"}')).toBe(7)
  expect(samples.get('highwater_lag_sequences{partition="0"}')).toBe(7)
  expect(samples.get('highwater_lag_seconds{partition="0"}')).toBe(0.25)
  expect(samples.get('highwater_checkpoint_duration_seconds{partition="0"}')).toBe(1.5)
  expect(samples.get('highwater_input_messages_total{partition="0",kind="usage"}')).toBe(18)
  expect(samples.get('highwater_records_refused_total{partition="0",reason="too-late"}')).toBe(4)
})

test('every reason is exported, also those that never happened', async () => {
  const worker = createFakeWorker(1)
  worker.partitions[0]!.statistics.rejects.fill(0)
  worker.partitions[0]!.statistics.suppressed.fill(0)
  worker.partitions[0]!.statistics.rejects[REJECT_REASONS.indexOf('seq-too-old')] = 3
  const samples = await scrape(createTestMetrics(worker))
  for (const reason of REJECT_REASONS) {
    const count = samples.get(`highwater_rejects_total{partition="0",reason="${reason}"}`)
    expect(count).toBe(reason === 'seq-too-old' ? 3 : 0)
  }
  for (const reason of SUPPRESSION_REASONS) {
    const name = `highwater_suppressed_total{partition="0",reason="${reason}"}`
    expect(samples.get(name)).toBe(0)
  }
})

test('status and halt reason are one-hot, and a halt without a ruling shows its error code', async () => {
  const worker = createFakeWorker(4)
  worker.halt(1, 'output-gap')
  worker.halt(2, 'fenced')
  worker.partitions[3]!.status = 'halted'
  worker.partitions[3]!.halt = new StoreError('disk full')
  const samples = await scrape(createTestMetrics(worker))
  const chosen = (metric: string, partition: number): string[] =>
    [...samples]
      .filter(
        ([name, value]) => name.startsWith(`${metric}{partition="${partition}"`) && value === 1,
      )
      .map(([name]) => /(?:status|reason)="([^"]+)"/.exec(name)?.[1] ?? '')
  expect(chosen('highwater_partition_status', 0)).toEqual(['live'])
  expect(chosen('highwater_partition_halted', 0)).toEqual([])
  expect(chosen('highwater_partition_status', 1)).toEqual(['halted'])
  expect(chosen('highwater_partition_halted', 1)).toEqual(['output-gap'])
  expect(chosen('highwater_partition_halted', 2)).toEqual(['HW_OUTPUT_FENCED'])
  expect(chosen('highwater_partition_halted', 3)).toEqual(['HW_STORE'])
})

test('the age of a checkpoint counts from the start of the worker until there is one', async () => {
  const worker = createFakeWorker(2)
  worker.partitions[1]!.checkpointAtMs = null
  let nowMs = FAKE_START_MS
  const metrics = createMetrics(worker.view, {
    clock: { nowMs: () => nowMs },
    isProcessIncluded: false,
  })
  nowMs += 90_000
  const samples = await scrape(metrics)
  expect(samples.get('highwater_checkpoint_age_seconds{partition="0"}')).toBe(110)
  expect(samples.get('highwater_checkpoint_age_seconds{partition="1"}')).toBe(90)
})

test('a partition that is gone leaves no series behind', async () => {
  const worker = createFakeWorker(2)
  const metrics = createTestMetrics(worker)
  await scrape(metrics)
  worker.partitions.length = 1
  const samples = await scrape(metrics)
  expect([...samples.keys()].filter((name) => name.includes('partition="1"'))).toEqual([])
  expect(samples.has('highwater_epoch{partition="0"}')).toBe(true)
})

test('triggers beyond the limit are counted instead of exported, and a place once given is kept', async () => {
  const worker = createFakeWorker(1)
  const metrics = createTestMetrics(worker, 2)
  const trigger = (id: string) => ({
    id,
    candidates: 1,
    deliveries: 1,
    holdouts: 0,
    canaries: 0,
    suppressed: 0,
    shown: 0,
  })
  const exported = (samples: ReadonlyMap<string, number>): string[] =>
    [...samples.keys()]
      .filter((name) => name.startsWith('highwater_trigger_candidates_total'))
      .map((name) => /trigger="([^"]+)"/.exec(name)?.[1] ?? '')
  worker.partitions[0]!.triggers = [trigger('m'), trigger('n'), trigger('o')]
  let samples = await scrape(metrics)
  expect(exported(samples)).toEqual(['m', 'n'])
  expect(samples.get('highwater_trigger_labels_dropped')).toBe(1)
  worker.partitions[0]!.triggers = [trigger('a'), trigger('m'), trigger('n'), trigger('o')]
  samples = await scrape(metrics)
  expect(exported(samples)).toEqual(['m', 'n'])
  expect(samples.get('highwater_trigger_labels_dropped')).toBe(2)
  worker.partitions[0]!.triggers = [trigger('a'), trigger('n'), trigger('o')]
  samples = await scrape(metrics)
  expect(exported(samples)).toEqual(['a', 'n'])
  expect(samples.get('highwater_trigger_labels_dropped')).toBe(1)
})

test('a trigger is exported from every partition that has it', async () => {
  const samples = await scrape(createTestMetrics(createFakeWorker(2)))
  for (const partition of [0, 1]) {
    const name = `highwater_trigger_deliveries_total{partition="${partition}",trigger="data-pack"}`
    expect(samples.get(name)).toBe(4)
  }
})

test('a failed reload shows beside the time of the last good one', async () => {
  const worker = createFakeWorker(1)
  worker.reloadStatus = { isLastSuccessful: false, lastSuccessAtMs: 1_700_000_000_500 }
  const samples = await scrape(createTestMetrics(worker))
  expect(samples.get('highwater_config_last_reload_successful')).toBe(0)
  expect(samples.get('highwater_config_last_reload_success_timestamp_seconds')).toBe(
    1_700_000_000.5,
  )
})

test('the retention sequence is left out while the worker does not know it', async () => {
  const worker = createFakeWorker(2)
  worker.partitions[0]!.streamFirstSequence = undefined
  const samples = await scrape(createTestMetrics(worker))
  expect(samples.has('highwater_stream_first_sequence{partition="0"}')).toBe(false)
  expect(samples.get('highwater_stream_first_sequence{partition="1"}')).toBe(101)
})

test('the process shows memory and event loop lag beside its version', async () => {
  const worker = createFakeWorker(1)
  const samples = await scrape(createMetrics(worker.view))
  expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(0)
  expect(samples.has('nodejs_eventloop_lag_p99_seconds')).toBe(true)
  const version = `highwater_build_info{version="0.1.0-test",node="${process.versions.node}"}`
  expect(samples.get(version)).toBe(1)
})

test('a view that throws fails the scrape instead of hiding it', async () => {
  const worker = createFakeWorker(1)
  const metrics = createMetrics(
    {
      ...worker.view,
      partitions: () => {
        throw new StoreError('gone')
      },
    },
    { isProcessIncluded: false },
  )
  await expect(metrics.render()).rejects.toThrow('gone')
})
