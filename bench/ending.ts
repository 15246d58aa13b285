/**
 * A bench that a signal ends takes its children along (brokers, workers, virtual machines) and
 * leaves no file in the temporary folder: gigabytes of streams else. One place for all benches,
 * which know nothing of it.
 */

import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const END_TIMEOUT_MS = 5_000

/**
 * To be called once, before anything is started: from now on temporary files go to a folder of this
 * process, which its end removes, and a signal that ends it ends its children first.
 */
export function endEverythingWithUs(): void {
  const folder = mkdtempSync(join(tmpdir(), 'highwater-bench-'))
  process.env.TMPDIR = folder
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  process.once('exit', remove)
  const children = new Set<ChildProcess>()
  // Node tells of every child here, whoever starts it.
  subscribe('child_process', (message) => {
    const child = (message as { process: ChildProcess }).process
    children.add(child)
    child.once('exit', () => children.delete(child))
  })
  for (const signal of SIGNALS) {
    // Once: whoever sends it again does not want to wait.
    process.once(signal, async () => {
      await Promise.race([killAll(children), sleep(END_TIMEOUT_MS)])
      remove()
      process.kill(process.pid, signal)
    })
  }
}

async function killAll(children: ReadonlySet<ChildProcess>): Promise<void> {
  await Promise.all(
    [...children].map(async (child) => {
      const gone = once(child, 'exit')
      if (child.kill('SIGKILL')) await gone
    }),
  )
}
