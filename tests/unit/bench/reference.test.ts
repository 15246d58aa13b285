import { describe, expect, test } from 'vitest'
import { kernelFiles, KERNEL_BATCH_RECORDS } from '../../../bench/kernels/kernel-records.ts'
import { KernelRig } from '../../../bench/kernels/kernel-rig.ts'
import { findCompiler, Reference } from '../../../bench/kernels/reference.ts'

const SUBSCRIBERS = 2_500
const compiler = findCompiler()

describe('the kernel bench', () => {
  test.skipIf(compiler === null)(
    `does the work of the loop in C${compiler === null ? ' (no C compiler here)' : ''}`,
    async () => {
      const reference = new Reference(compiler!, SUBSCRIBERS)
      const rig = new KernelRig(kernelFiles(), SUBSCRIBERS)
      rig.fill()
      await reference.fill()
      expect(rig.sums()).toEqual(await reference.sums())
      for (const pass of ['round', 'resolve', 'ahead'] as const) {
        if (pass === 'resolve') rig.resolve(3)
        else rig.round(20)
        await reference.run(pass, pass === 'resolve' ? 3 : 20)
        expect(rig.sums(), pass).toEqual(await reference.sums())
      }
      const { candidates, subscribers, counters } = rig.sums()
      expect(subscribers).toBe(SUBSCRIBERS)
      expect(candidates).toBeGreaterThan(10)
      expect(counters.every((sum) => sum > 0)).toBe(true)
      await reference.stop()
    },
  )

  test('does not skip work: each record is in the statistics and in the counters', () => {
    const rig = new KernelRig(kernelFiles(), SUBSCRIBERS)
    rig.fill()
    const before = rig.sums().counters[0]!
    let added = 0
    const { batch } = rig.records
    for (let round = 0; round < 5; round++) {
      rig.round(1)
      for (let i = 0; i < batch.count; i++) added += batch.rats[i] === 6 ? batch.usageBytes[i]! : 0
    }
    expect(rig.core.statistics.records).toBe(SUBSCRIBERS + 5 * KERNEL_BATCH_RECORDS)
    expect(rig.sums().counters[0]! - before).toBe(added)
  })

  test('further triggers change no sums', () => {
    const [few, many] = [10, 110].map((triggers) => {
      const rig = new KernelRig(kernelFiles(triggers), SUBSCRIBERS)
      rig.fill()
      rig.round(20)
      return rig.sums()
    })
    expect(many).toEqual(few)
  })
})
