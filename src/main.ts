#!/usr/bin/env node
/** The command line. Each command lives in commands/; this file knows their names and options. */

import { runBackup } from './commands/backup.ts'
import { runAudited } from './commands/audited-command.ts'
import { runCancel } from './commands/cancel.ts'
import { runCheck } from './commands/check.ts'
import { runDemo } from './commands/demo.ts'
import { runExplain } from './commands/explain.ts'
import { gatewayOptions, runGateway } from './commands/gateway.ts'
import { IMPORT_OPTIONS, IMPORT_USAGE, importCommand, runImport } from './commands/import.ts'
import { INIT_TEXTS, initOptions, runInit } from './commands/init.ts'
import { runErase } from './commands/erase.ts'
import { packageVersion } from './commands/engine.ts'
import {
  durationOption,
  instantOption,
  numberOption,
  switchOption,
  textOption,
  wholeOption,
} from './commands/option-values.ts'
import {
  CONFIG_DEFAULT,
  parse,
  parseBoth,
  partitionOption,
  publishOptions,
  resumeOptions,
  simulateOptions,
  texts,
} from './commands/parse-options.ts'
import { runPromote } from './commands/promote.ts'
import { runPublish } from './commands/publish.ts'
import { runReport } from './commands/report.ts'
import { runResume } from './commands/resume.ts'
import { runScenarioCommand, scenarioOptions } from './commands/scenario.ts'
import { runSelect } from './commands/select.ts'
import { runSendTest } from './commands/send-test.ts'
import { runSettle } from './commands/settle.ts'
import { runRestore } from './commands/restore.ts'
import { runSimulate } from './commands/simulate.ts'
import { runStart } from './commands/start.ts'
import { streamTarget } from './commands/stream-target.ts'
import { runWatch } from './commands/watch.ts'
import { runVerify } from './commands/verify.ts'
import { ConfigInvalidError, HighwaterError, UsageError } from './errors.ts'
import { TAG_VERSION_MAX } from './model/wire.ts'

interface Command {
  readonly summary: string
  readonly usage: string
  readonly run: (args: string[]) => Promise<number>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  start: {
    summary: 'run a worker',
    usage: '--config DIR [--standby]',
    run: (args) => {
      const values = parse(args, {
        config: { type: 'string', default: CONFIG_DEFAULT },
        standby: { type: 'boolean' },
      })
      const isStandby = switchOption(values, 'standby')
      return runStart({ config: values.config as string, isStandby })
    },
  },
  promote: {
    summary: 'make a standby the owner; the former owner can publish nothing from then on',
    usage: '--config DIR [--partition P] [--url http://HOST:9480]',
    run: (args) => {
      const values = parse(args, {
        config: { type: 'string', default: CONFIG_DEFAULT },
        ...texts('partition', 'url'),
      })
      const hasPartition = values.partition !== undefined
      return runPromote({
        config: values.config as string,
        partition: hasPartition ? wholeOption(values, 'partition', 0, [0, 255]) : null,
        url: textOption(values, 'url', null),
      })
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
  init: {
    summary: 'make the streams of all partitions, as a user that may; safe to repeat',
    usage:
      '--config DIR [--nkey-file FILE | --credentials-file FILE | --user NAME --password-file FILE]\n' +
      '[--inbox-prefix SUBJECT]',
    run: (args) => {
      const config = { type: 'string', default: CONFIG_DEFAULT } as const
      return runInit(initOptions(parse(args, { config, ...texts(...INIT_TEXTS) })))
    },
  },
  gateway: {
    summary: 'send what was decided: by webhook, SMPP, or as single messages of NATS',
    usage: '--config DIR [--channels NAME,…] [--partitions P,…]',
    run: (args) => runGateway(gatewayOptions(args)),
  },
  demo: {
    summary: 'a virtual month of scenario data-pack on real parts, in about half a minute',
    usage:
      '[--for 30s] [--subscribers 100000] [--days 30] [--records-per-day 8] [--seed 1]\n' +
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
          recordsPerDay: numberOption(values, 'records-per-day', 8, [0.1, 10_000]),
        },
        forMs: durationOption(values, 'for'),
        isKeeping: switchOption(values, 'keep'),
        isJson: switchOption(values, 'json'),
      })
    },
  },
  scenario: {
    summary: 'a scenario of config/scenarios with people who live in it: funnel and verdict',
    usage: 'S1 [--subscribers N] [--days N] [--seed N] [--json] [--keep]',
    run: (args) => runScenarioCommand(scenarioOptions(args)),
  },
  backup: {
    summary: "copy each partition's last checkpoint, by the running worker if there is one",
    usage: '--config DIR [--partition P] [--url http://HOST:9480] [--json]',
    run: (args) => {
      const values = parse(args, {
        config: { type: 'string', default: CONFIG_DEFAULT },
        ...texts('partition', 'url'),
        json: { type: 'boolean' },
      })
      return runBackup({
        config: values.config as string,
        partition: partitionOption(values),
        url: textOption(values, 'url', null),
        isJson: switchOption(values, 'json'),
      })
    },
  },
  restore: {
    summary: 'make a backup the store of a partition, after checking it',
    usage: '--config DIR --partition P --from FILE [--force] [--offline]',
    run: (args) => {
      const values = parse(args, {
        config: { type: 'string', default: CONFIG_DEFAULT },
        ...texts('partition', 'from'),
        force: { type: 'boolean' },
        offline: { type: 'boolean' },
      })
      const partition = partitionOption(values)
      const from = textOption(values, 'from', null)
      if (partition === null || from === null) {
        throw new UsageError('--partition and --from say what is restored')
      }
      return runRestore({
        config: values.config as string,
        partition,
        from,
        isForced: switchOption(values, 'force'),
        isOffline: switchOption(values, 'offline'),
      })
    },
  },
  verify: {
    summary: 'check the stores, or a backup, and whether they go with the streams',
    usage: '--config DIR [--partition P] [--backup FILE] [--offline] [--json]',
    run: (args) => {
      const values = parse(args, {
        config: { type: 'string', default: CONFIG_DEFAULT },
        ...texts('partition', 'backup'),
        offline: { type: 'boolean' },
        json: { type: 'boolean' },
      })
      return runVerify({
        config: values.config as string,
        partition: partitionOption(values),
        backup: textOption(values, 'backup', null),
        isOffline: switchOption(values, 'offline'),
        isJson: switchOption(values, 'json'),
      })
    },
  },
  simulate: {
    summary: 'a probe with a simulated population, publishing into a running installation',
    usage:
      '[--servers nats://HOST:4222,…] [--config DIR] [--partitions P] [--subscribers N]\n' +
      '[--rate RECORDS_PER_SECOND] [--for 60s] [--seed N] [--probe NAME] [--rows BATCH_SIZE]\n' +
      '[--rhythm daily|flat] [--late SHARE] [--late-batches SHARE] [--duplicates SHARE]\n' +
      '[--state FILE] [--json]',
    run: (args) => runSimulate(simulateOptions(args)),
  },
  publish: {
    summary: "anybody's CSV (or - for standard input, plain or gzip) as usage; safe to repeat",
    usage:
      'FILE.csv --map sub=COLUMN,bytes=COLUMN+COLUMN,time=COLUMN[,rat=…,app=…,cell=…,kind=…]\n' +
      '[--zone Asia/Shanghai] [--time-format auto|s|ms|us|PATTERN] [--delimiter C] [--dry-run]\n' +
      '[--servers …] [--config DIR] [--partitions P] [--probe NAME] [--epoch N]\n' +
      '[--refused FILE] [--json]',
    run: (args) => runPublish(publishOptions(args)),
  },
  import: {
    summary: "anybody's CSV (or -, plain or gzip) as profiles; checked first, safe to repeat",
    usage: IMPORT_USAGE,
    run: (args) => {
      const { values, positionals } = parseBoth(args, IMPORT_OPTIONS)
      return runImport(importCommand(values, positionals, streamTarget(values)))
    },
  },
  explain: {
    summary: 'why a subscriber got a message of a trigger, did not, or did not yet',
    usage: '--subscriber N --trigger ID [--config DIR] [--url http://HOST:9480] [--json]',
    run: (args) => {
      const config = { type: 'string', default: CONFIG_DEFAULT } as const
      const json = { type: 'boolean' } as const
      const values = parse(args, { config, ...texts('subscriber', 'trigger', 'url'), json })
      return runExplain({
        config: values.config as string,
        subscriber: textOption(values, 'subscriber', ''),
        trigger: textOption(values, 'trigger', ''),
        url: textOption(values, 'url', null),
        isJson: switchOption(values, 'json'),
      })
    },
  },
  report: {
    summary: 'what triggers did, what came of it, and whether that is good; from OUT, up to now',
    usage:
      '--config DIR [--trigger ID] [--from 2026-11-01] [--to 2026-12-01T00:00]\n' +
      '[--json] [--csv FILE] [--html FILE]',
    run: (args) => {
      const values = parse(args, {
        config: { type: 'string', default: CONFIG_DEFAULT },
        ...texts('trigger', 'from', 'to', 'csv', 'html'),
        json: { type: 'boolean' },
      })
      return runReport({
        config: values.config as string,
        trigger: textOption(values, 'trigger', null),
        from: textOption(values, 'from', null),
        to: textOption(values, 'to', null),
        isJson: switchOption(values, 'json'),
        csvPath: textOption(values, 'csv', null),
        htmlPath: textOption(values, 'html', null),
      })
    },
  },
  watch: {
    summary: 'make reports, watch levels, serve live statistics; a process of its own',
    usage: '--config DIR',
    run: (args) => {
      const { config } = parse(args, { config: { type: 'string', default: CONFIG_DEFAULT } })
      return runWatch({ config: config as string })
    },
  },
  cancel: {
    summary: 'take back what is pending of a trigger, a channel, a subscriber; through the log',
    usage:
      '[--trigger ID] [--channel NAME] [--subscriber N]\n' +
      '[--servers …] [--config DIR] [--partitions P] [--json]',
    run: (args) => {
      const names = texts('trigger', 'channel', 'subscriber', 'servers', 'config', 'partitions')
      const values = parse(args, { ...names, json: { type: 'boolean' } })
      return runCancel({
        target: streamTarget(values),
        trigger: textOption(values, 'trigger', null),
        channel: textOption(values, 'channel', null),
        subscriber: textOption(values, 'subscriber', null),
        isJson: switchOption(values, 'json'),
      })
    },
  },
  'send-test': {
    summary: 'send what a trigger says to a tester (list canary), through the log',
    usage: '--trigger ID --subscriber N  [--servers …] [--config DIR] [--partitions P] [--json]',
    run: (args) => {
      const names = texts('trigger', 'subscriber', 'servers', 'config', 'partitions')
      const values = parse(args, { ...names, json: { type: 'boolean' } })
      return runSendTest({
        target: streamTarget(values),
        trigger: textOption(values, 'trigger', null),
        subscriber: textOption(values, 'subscriber', null),
        isJson: switchOption(values, 'json'),
      })
    },
  },
  erase: {
    summary: 'forget subscribers, through the log; numbers one on a line, - is standard input',
    usage: '--file FILE | --subscriber N  [--servers …] [--config DIR] [--partitions P] [--json]',
    run: (args) => {
      const names = texts('subscriber', 'file', 'servers', 'config', 'partitions')
      const values = parse(args, { ...names, json: { type: 'boolean' } })
      const subscriber = textOption(values, 'subscriber', null)
      const file = textOption(values, 'file', null)
      const isJson = switchOption(values, 'json')
      return runErase({ target: streamTarget(values), subscriber, file, isJson })
    },
  },
  select: {
    summary: 'select a segment now, through the log; without --version under the date of today',
    usage: '--segment NAME [--version N] [--servers …] [--config DIR] [--partitions P] [--json]',
    run: (args) => {
      const names = texts('segment', 'version', 'servers', 'config', 'partitions')
      const values = parse(args, { ...names, json: { type: 'boolean' } })
      const isGiven = values.version !== undefined
      return runSelect({
        target: streamTarget(values),
        segment: textOption(values, 'segment', ''),
        version: isGiven ? wholeOption(values, 'version', 1, [1, TAG_VERSION_MAX]) : null,
        isJson: switchOption(values, 'json'),
      })
    },
  },
  resume: {
    summary: 'rule how a halted partition goes on; says what it costs, writes with --yes only',
    usage:
      '--config DIR --partition P --choose skip-input|ignore-timestamp|new-baseline\n' +
      '--reason TEXT [--at SEQUENCE] [--halt REASON] [--number N] [--by NAME] [--yes]',
    run: (args) => runResume(resumeOptions(args)),
  },
  settle: {
    summary: 'after a crash, before another engine: finish what this one has begun, and exit',
    usage: '--config DIR [--partition P]',
    run: (args) => {
      const values = parse(args, {
        config: { type: 'string', default: CONFIG_DEFAULT },
        ...texts('partition'),
      })
      return runSettle({ config: values.config as string, partition: partitionOption(values) })
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
    return await runAudited(name, rest, () => command.run(rest))
  } catch (error) {
    return report(name, error)
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
    console.log(
      `  ${name.padEnd(10)} ${summary}\n             ${usage.replaceAll('\n', '\n             ')}`,
    )
  }
}
