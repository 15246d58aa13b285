/**
 * What a page costs a checkpoint before the store sees it: copied, headed and summed. Reference:
 * the copy alone.
 */

import { ImageSweep, PageBuffers } from '../../src/state/image-sweep.ts'
import { PAGE_HEAD_SIZE } from '../../src/state/page-image.ts'
import { PAGE_DIRTY, type PagedTable } from '../../src/state/paged-table.ts'
import { type BenchResult, comparedWith, figure } from '../report.ts'
import { kernelFiles } from './kernel-records.ts'
import { KernelRig } from './kernel-rig.ts'

const SUBSCRIBERS = 1_000_000
const ROUNDS = 7

/** Megabytes of rows per second, as images and as mere copies. */
export function runPage(): BenchResult[] {
  const rig = new KernelRig(kernelFiles(), SUBSCRIBERS)
  rig.fill()
  const table = rig.core.tables[0]!
  const buffers = new PageBuffers()
  const rates: number[] = []
  const copyRates: number[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    rates.push(table.size / 1e6 / sweep(table, buffers, round))
    copyRates.push(table.size / 1e6 / copy(table, buffers))
  }
  const reference = figure('kernels', 'reference.copied_megabytes_per_second', copyRates, 'MB/s')
  const result = figure('kernels', 'page.image_megabytes_per_second', rates, 'MB/s')
  return [
    { ...result, ...comparedWith(result.value, reference.metric, reference.value) },
    reference,
    figure('kernels', 'page.size', table.pageSize, 'bytes'),
  ]
}

function sweep(table: PagedTable, buffers: PageBuffers, generation: number): number {
  table.pageFlags.fill(PAGE_DIRTY, 0, table.pageCount)
  const startedAtMs = performance.now()
  const images = new ImageSweep([table], new Map(), generation, buffers)
  for (let page = images.next(); page !== null; page = images.next()) images.release(page.bytes)
  return (performance.now() - startedAtMs) / 1000
}

function copy(table: PagedTable, buffers: PageBuffers): number {
  const startedAtMs = performance.now()
  for (let page = 0; page < table.pageCount; page++) {
    const image = buffers.take(PAGE_HEAD_SIZE + table.pageSize)
    image.set(table.pageBytes(page), PAGE_HEAD_SIZE)
    buffers.release(image)
  }
  return (performance.now() - startedAtMs) / 1000
}
