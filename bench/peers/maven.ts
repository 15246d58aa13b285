/**
 * Java programs of this folder: built by Maven, run in a virtual machine of their own. Maven takes
 * what it has stored first; only what is missing there does it fetch, as it is configured.
 */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { PROJECT_ROOT } from '../../src/launch.mjs'
import type { BenchResult } from '../report.ts'

const JAVA_MAJOR_MIN = 17

/** A built program. */
export interface JavaProgram {
  readonly classPath: string
  readonly mainClass: string
}

/** What this machine lacks to run them, in one sentence; null when nothing. */
export function missingForJava(): string | null {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const needed = `Java ${JAVA_MAJOR_MIN} or later (java) and Maven (mvn)`
  if (java.error !== undefined) return `peers-jvm needs ${needed}: there is no java on PATH`
  const major = Number(/version "(\d+)/.exec(java.stderr)?.[1] ?? 0)
  if (major < JAVA_MAJOR_MIN) return `peers-jvm needs ${needed}: this java is ${major}`
  if (spawnSync('mvn', ['-version']).error === undefined) return null
  return `peers-jvm needs ${needed}: there is no mvn on PATH`
}

/** Compiles bench/peers/NAME into an ignored folder of the project. */
export async function buildJava(name: string, mainClass: string): Promise<JavaProgram> {
  const pom = join(import.meta.dirname, name, 'pom.xml')
  const folder = join(PROJECT_ROOT, '.cache', 'peers-jvm', name)
  await mkdir(folder, { recursive: true })
  const args = ['-q', '-B', '-f', pom, `-Dbuild.folder=${folder}`, 'compile']
  const offline = spawnSync('mvn', ['-o', ...args], { encoding: 'utf8' })
  if (offline.status !== 0) {
    const online = spawnSync('mvn', args, { encoding: 'utf8' })
    if (online.status !== 0) throw new Error(`mvn did not build ${name}:\n${online.stdout}`)
  }
  const jars = (await readFile(join(folder, 'classpath.txt'), 'utf8')).trim()
  return { classPath: [join(folder, 'classes'), jars].join(delimiter), mainClass }
}

/**
 * Runs a program to its end and collects its figures: one JSON object per line of its output.
 * @throws {Error} when it fails
 */
export async function runJava(
  program: JavaProgram,
  machineArgs: readonly string[],
  args: readonly string[],
): Promise<BenchResult[]> {
  const { classPath, mainClass } = program
  const child = spawn('java', [...machineArgs, '-cp', classPath, mainClass, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const kill = () => child.kill('SIGKILL')
  process.on('exit', kill)
  const closed = once(child, 'close')
  const results: BenchResult[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) results.push(JSON.parse(line) as BenchResult)
  }
  const [code] = await closed
  process.off('exit', kill)
  if (code !== 0) throw new Error(`${mainClass} ended with exit code ${code}`)
  return results
}
