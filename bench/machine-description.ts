/** The machine that figures were measured on, as far as it can tell. */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'

/** What stands at the head of every bench's figures. */
export interface MachineDescription {
  readonly cpu: string
  /** Hardware threads that this process may use. */
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
  readonly node: string
  /** `unknown` where the bench has none. */
  readonly natsServer: string
  /** Whether large pieces of memory are asked for, and given, as pages of 2 MiB. */
  readonly hugePages: boolean
  /** UTC. */
  readonly measuredAt: string
}

/** Looks the machine over; takes some milliseconds. */
export function describeMachine(): MachineDescription {
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memoryGb: Number((totalmem() / 2 ** 30).toFixed(1)),
    kernel: release(),
    node: process.versions.node,
    natsServer: natsServerVersion(),
    hugePages: hasHugePages(
      readText('/sys/kernel/mm/transparent_hugepage/enabled'),
      process.env.GLIBC_TUNABLES ?? '',
    ),
    measuredAt: new Date().toISOString(),
  }
}

/** The same in one line for people. */
export function machineLine(machine: MachineDescription): string {
  const { cpu, cores, memoryGb, kernel, node, natsServer, hugePages } = machine
  return [
    `${cores} x ${cpu}`,
    `${memoryGb} GB`,
    `Linux ${kernel}`,
    `Node ${node}`,
    `nats-server ${natsServer}`,
    `huge pages ${hugePages ? 'on' : 'off'}`,
  ].join(', ')
}

/**
 * Whether the C library asks for huge pages and the kernel gives them. `setting`: the kernel's, its
 * choice in brackets; `tunables`: the C library's.
 */
export function hasHugePages(setting: string, tunables: string): boolean {
  if (setting.includes('[always]')) return true
  return setting.includes('[madvise]') && /\bglibc\.malloc\.hugetlb=1\b/.test(tunables)
}

/**
 * Bytes of this process's memory, and of those the ones that lie in huge pages, now; null where the
 * system does not tell.
 */
export function hugePageUse(): { residentSize: number; hugeSize: number } | null {
  const text = readText('/proc/self/smaps_rollup')
  const bytesOf = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024
  const [residentSize, hugeSize] = [bytesOf('Rss'), bytesOf('AnonHugePages')]
  return Number.isNaN(residentSize + hugeSize) ? null : { residentSize, hugeSize }
}

function natsServerVersion(): string {
  try {
    const program = process.env.HIGHWATER_NATS_SERVER || 'nats-server'
    const text = execFileSync(program, ['-v'], { encoding: 'utf8' })
    return /\d+\.\d+\.\d+\S*/.exec(text)?.[0] ?? 'unknown'
  } catch {
    return 'unknown'
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Milliseconds of all cores that the host gave to others since this machine began; 0: unknown. */
export function stolenMs(): number {
  return processorUse().stolenMs
}

/**
 * Milliseconds of all cores since this machine began: in all, those that were not idle (stolen
 * ones, too: whoever waited for them had work), and stolen ones. Zeros: unknown.
 */
export function processorUse(): { totalMs: number; busyMs: number; stolenMs: number } {
  const [total = ''] = readText('/proc/stat').split('\n', 1)
  // user nice system idle iowait irq softirq steal, in hundredths of a second (proc_stat(5)).
  const times = total
    .trim()
    .split(/ +/)
    .slice(1, 9)
    .map((text) => 10 * Number(text))
  const totalMs = times.reduce((sum, time) => sum + time, 0)
  const [, , , idleMs = 0, waitMs = 0, , , hostMs = 0] = times
  return { totalMs, busyMs: totalMs - idleMs - waitMs, stolenMs: hostMs }
}
