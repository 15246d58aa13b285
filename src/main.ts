#!/usr/bin/env node
/** The command line. Each command lives in commands/; this file knows their names and options. */

import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { runCheck } from './commands/check.ts'
import { runDemo } from './commands/demo.ts'
import { packageVersion } from './commands/engine.ts'
import {
  durationOption,
  instantOption,
  numberOption,
  switchOption,
  wholeOption,
} from './commands/option-values.ts'
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
  demo: {
    summary: 'a virtual month of scenario data-pack on real parts, in about half a minute',
    usage:
      '[--for 30s] [--subscribers 100000] [--days 30] [--records-per-day 10] [--seed 1]\n' +
      '[--start 2026-11-01T00:00+08:00] [--json] [--keep]',
    run: (args) => {
      const values = parse(args, {
        ...texts('for', 'subscribers', 'days', 'records-per-day', 'seed', 'start'),
        json: { type: 'boolean' },
        keep: { type: 'boolean' },
      })
      return runDemo({
        traffic: {
          seed: wholeOption(values, 'seed', 1, [0, Number.MAX_SAFE_INTEGER]),
          subscriberCount: wholeOption(values, 'subscribers', 100_000, [1, 20_000_000]),
          startMs: instantOption(values, 'start', '2026-11-01T00:00+08:00'),
          days: wholeOption(values, 'days', 30, [1, 366]),
          recordsPerDay: numberOption(values, 'records-per-day', 10, [0.1, 10_000]),
        },
        forMs: durationOption(values, 'for'),
        isKeeping: switchOption(values, 'keep'),
        isJson: switchOption(values, 'json'),
      })
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

function texts(...names: string[]): ParseArgsOptionsConfig {
  return Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
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
    console.log(
      `  ${name.padEnd(10)} ${summary}\n             ${usage.replaceAll('\n', '\n             ')}`,
    )
  }
}
