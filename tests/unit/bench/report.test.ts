import { describe, expect, test } from 'vitest'
import { describeMachine, hasHugePages, machineLine } from '../../../bench/machine-description.ts'
import { comparedWith, figure, medianOf, quantile } from '../../../bench/report.ts'

describe('figures', () => {
  test('of repeated runs the median stands, with its spread', () => {
    expect(medianOf([5, 1, 3])).toEqual({ value: 3, low: 1, high: 5, runs: 3 })
    expect(figure('b', 'm', [7, 123_456.7, 9], 's')).toEqual({
      ...{ bench: 'b', metric: 'm', value: 9, unit: 's' },
      ...{ low: 7, high: 123_460, runs: 3 },
    })
  })

  test('one run has no spread', () => {
    expect(figure('b', 'm', 2, 's')).toEqual({ bench: 'b', metric: 'm', value: 2, unit: 's' })
  })

  test('a ratio names what it is a ratio to', () => {
    expect(comparedWith(1, 'other', 3)).toEqual({ ratio: 0.333, against: 'other' })
  })

  test('quantiles are values that were measured', () => {
    expect(quantile([4, 3, 2, 1], 0.5)).toBe(3)
    expect(quantile([4, 3, 2, 1], 1)).toBe(4)
  })
})

describe('the machine', () => {
  test('is described by what figures depend on', () => {
    const machine = describeMachine()
    expect(machine.cores).toBeGreaterThan(0)
    expect(machine.memoryGb).toBeGreaterThan(0)
    expect(machine.node).toBe(process.versions.node)
    expect(machineLine({ ...machine, cpu: 'Z80', natsServer: '2.9.10', hugePages: false })).toMatch(
      /x Z80, .* GB, Linux .*, Node .*, nats-server 2\.9\.10, huge pages off$/,
    )
  })

  test.each([
    ['always [madvise] never', 'glibc.malloc.hugetlb=1', true],
    ['always [madvise] never', 'glibc.malloc.check=1:glibc.malloc.hugetlb=1', true],
    ['always [madvise] never', '', false],
    ['always [madvise] never', 'glibc.malloc.hugetlb=0', false],
    ['[always] madvise never', '', true],
    ['always madvise [never]', 'glibc.malloc.hugetlb=1', false],
    ['', 'glibc.malloc.hugetlb=1', false],
  ])('has huge pages where kernel (%s) and library (%s) agree: %s', (setting, tunables, has) => {
    expect(hasHugePages(setting, tunables)).toBe(has)
  })
})
