import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'

const MAIN = join(import.meta.dirname, '../../bench/main.ts')
const ARGS = ['pipeline', '--subscribers', '1000000', '--records', '1000000']

test('a bench that SIGTERM ends leaves neither its broker nor a file behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'highwater-bench-ending-'))
  const bench = spawn(process.execPath, [MAIN, ...ARGS], {
    env: { ...process.env, TMPDIR: folder },
    stdio: 'ignore',
  })
  const ended = once(bench, 'exit')
  let broker = 0
  try {
    while (broker === 0) {
      expect(bench.exitCode).toBe(null)
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      const ports = files.map((file) => /nats-server_(\d+)\.ports$/.exec(file)?.[1])
      broker = Number(ports.find((pid) => pid !== undefined) ?? 0)
      await sleep(20)
    }
    expect(isAlive(broker)).toBe(true)
    bench.kill('SIGTERM')
    const [code, signal] = await ended
    expect([code, signal]).toEqual([null, 'SIGTERM'])
    expect(isAlive(broker)).toBe(false)
    expect(readdirSync(folder)).toEqual([])
  } finally {
    bench.kill('SIGKILL')
    if (broker !== 0 && isAlive(broker)) process.kill(broker, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
