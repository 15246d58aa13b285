#!/usr/bin/env node
/** The command line. Each command lives in commands/; this file knows their names and options. */

import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { runCheck } from './commands/check.ts'
import { packageVersion } from './commands/engine.ts'
import { runStart } from './commands/start.ts'
import { ConfigInvalidError, HighwaterError, UsageError } from './errors.ts'

const CONFIG_DEFAULT = 'config'

interface Command {
  readonly summary: string
  readonly usage: string
  readonly run: (args: string[]) => Promise<number>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  start: {
    summary: 'run a worker',
    usage: '--config DIR',
    run: (args) => {
      const { config } = parse(args, { config: { type: 'string', default: CONFIG_DEFAULT } })
      return runStart({ config: config as string })
    },
  },
  check: {
    summary: 'validate a configuration',
    usage: '--config DIR',
    run: (args) => {
      const { config } = parse(args, { config: { type: 'string', default: CONFIG_DEFAULT } })
      return runCheck({ config: config as string })
    },
  },
}

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    printHelp()
    return name === undefined ? 2 : 0
  }
  if (name === '--version' || name === 'version') {
    console.log(packageVersion())
    return 0
  }
  const command = COMMANDS[name]
  if (command === undefined) {
    console.error(`highwater: no command ${name}; see highwater help`)
    return 2
  }
  try {
    return await command.run(rest)
  } catch (error) {
    return report(name, error)
  }
}

function parse(args: string[], options: ParseArgsOptionsConfig): Record<string, unknown> {
  try {
    return parseArgs({ args, options, strict: true }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** A sentence for the person at the keyboard; the exit code says whose turn it is (2: theirs). */
function report(command: string, error: unknown): number {
  if (error instanceof ConfigInvalidError) {
    console.error(error.message)
    return 2
  }
  if (error instanceof HighwaterError) {
    console.error(`highwater ${command}: ${error.code} ${error.message}`)
    return error instanceof UsageError ? 2 : 1
  }
  console.error(error)
  return 1
}

function printHelp(): void {
  console.log('usage: highwater COMMAND [options]\n')
  for (const [name, { summary, usage }] of Object.entries(COMMANDS)) {
    console.log(`  ${name.padEnd(10)} ${summary}\n             ${usage}`)
  }
}
