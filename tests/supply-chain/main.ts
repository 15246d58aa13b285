/**
 * `npm run audit` and `npm run sbom`: npm's own commands, with outcomes that a script can act on.
 *
 *   audit   exit code 0: nothing known, 1: something found, 3: the registry did not answer
 *   sbom    a CycloneDX list of every package to .cache/sbom.cdx.json, or to the file given
 */

import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { PROJECT_ROOT } from '../../src/launch.mjs'
import { judgeAudit } from './npm-audit.ts'

const USAGE_EXIT_CODE = 2

process.exitCode = main(process.argv.slice(2))

function main([command, file]: readonly string[]): number {
  if (command === 'audit') return audit()
  if (command === 'sbom') {
    const target =
      file === undefined ? join(PROJECT_ROOT, '.cache', 'sbom.cdx.json') : resolve(file)
    return writeSbom(target)
  }
  console.error('audit, or sbom [FILE]')
  return USAGE_EXIT_CODE
}

function audit(): number {
  // npm's own patience is minutes; who has no network should hear of it soon.
  const outcome = npm('audit', '--json', '--fetch-retries=0', '--fetch-timeout=20000')
  const { lines, exitCode } = judgeAudit(outcome.stdout)
  for (const line of lines) console.log(line)
  return exitCode
}

function writeSbom(target: string): number {
  const { status, stdout, stderr } = npm(
    ...['sbom', '--sbom-format=cyclonedx', '--package-lock-only', '--sbom-type=application'],
  )
  if (status !== 0) {
    console.error(stderr)
    return 1
  }
  const list = JSON.parse(stdout) as {
    readonly metadata: { readonly component: { name: string } }
    readonly components: readonly unknown[]
  }
  // npm calls it after the folder that the project happens to be in.
  list.metadata.component.name = 'highwater'
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, `${JSON.stringify(list, null, 2)}\n`)
  console.log(`${list.components.length} packages in ${relative(process.cwd(), target)}`)
  return 0
}

function npm(...args: readonly string[]) {
  const script = process.env.npm_execpath
  const [program, first] =
    script?.endsWith('.js') === true ? [process.execPath, [script]] : ['npm', []]
  const options = { cwd: PROJECT_ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 } as const
  return spawnSync(program, [...first, ...args], options)
}
