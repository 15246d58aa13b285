/** A command of ours as people run it, in a process of its own, to its end. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { PROJECT_ROOT } from '../../src/launch.mjs'

/** What a program did: exit code, and all that it printed, both streams together. */
export interface ProgramOutcome {
  readonly code: number | null
  readonly output: string
}

/** Runs `highwater ARGS…` and waits for it. */
export async function runProgram(...args: readonly string[]): Promise<ProgramOutcome> {
  const main = join(PROJECT_ROOT, 'src', 'main.ts')
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}
