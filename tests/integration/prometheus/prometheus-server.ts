/** A Prometheus of the test's own, on a free loopback port, and promtool. */

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { ensureDebianProgram, PROJECT_ROOT } from '../../../src/launch.mjs'

/** Folder of the committed scrape configuration, alert rules and their tests. */
export const PROMETHEUS_CONFIG = join(PROJECT_ROOT, 'config', 'prometheus')

const READY_ATTEMPTS_MAX = 600

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

export interface PrometheusServer {
  /** Evaluates an expression now; a scalar is one sample. Rejects with the server's message. */
  readonly query: (expression: string) => Promise<readonly Sample[]>
  /** The `data` of another endpoint below `/api/v1/`. */
  readonly get: (path: string) => Promise<unknown>
  readonly stop: () => Promise<void>
}

/** Starts Prometheus with the committed configuration, but scraping `target`, every second. */
export async function startPrometheus(target: string): Promise<PrometheusServer> {
  const program = await ensureDebianProgram('prometheus')
  const folder = await mkdtemp(join(tmpdir(), 'highwater-prometheus-'))
  const configPath = join(folder, 'prometheus.yml')
  await writeFile(configPath, await localConfig(target))
  const port = await freePort()
  const child = spawn(
    program,
    [
      `--config.file=${configPath}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const url = `http://127.0.0.1:${port}`
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit')
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await untilReady(url, child, () => log)
  } catch (error) {
    await stop()
    throw error
  }
  return { query: (expression) => query(url, expression), get: (path) => get(url, path), stop }
}

/** Runs promtool; gives its exit code and all that it wrote. */
export async function promtool(
  args: readonly string[],
  input = '',
): Promise<{ exitCode: number; output: string }> {
  const child = spawn(await ensureDebianProgram('promtool'), args, { cwd: PROMETHEUS_CONFIG })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  child.stdin.end(input)
  const [exitCode] = (await once(child, 'close')) as [number]
  return { exitCode, output }
}

async function localConfig(target: string): Promise<string> {
  const config = parse(await readFile(join(PROMETHEUS_CONFIG, 'prometheus.yml'), 'utf8'))
  config.global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' }
  config.rule_files = config.rule_files.map((name: string) => join(PROMETHEUS_CONFIG, name))
  // The worker alone: nothing else of the installation runs.
  const [worker] = config.scrape_configs
  config.scrape_configs = [{ ...worker, static_configs: [{ targets: [target] }] }]
  return stringify(config)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function untilReady(url: string, child: ChildProcess, log: () => string): Promise<void> {
  for (let attempts = 0; child.exitCode === null && attempts < READY_ATTEMPTS_MAX; attempts++) {
    const response = await fetch(`${url}/-/ready`).catch(() => null)
    if (response?.ok === true) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const state = child.exitCode === null ? 'does not become ready' : `exited: ${child.exitCode}`
  throw new Error(`prometheus ${state}: ${log()}`)
}

async function get(url: string, path: string): Promise<unknown> {
  const response = await fetch(`${url}/api/v1/${path}`)
  const body = (await response.json()) as { status: string; error?: string; data: unknown }
  if (body.status !== 'success') throw new Error(`${path}: ${body.error}`)
  return body.data
}

async function query(url: string, expression: string): Promise<readonly Sample[]> {
  const data = (await get(url, `query?query=${encodeURIComponent(expression)}`)) as
    | {
        resultType: 'vector'
        result: { metric: Record<string, string>; value: [number, string] }[]
      }
    | { resultType: 'scalar'; result: [number, string] }
  if (data.resultType === 'scalar') return [{ metric: {}, value: Number(data.result[1]) }]
  return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
}
