/** The words of a command line as options of its command. */

import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { UsageError } from '../errors.ts'
import { RULING_CHOICES } from '../model/ways-out.ts'
import { PARTITION_COUNT_MAX } from '../model/wire.ts'
import {
  durationOption,
  numberOption,
  type OptionValues,
  switchOption,
  textOption,
  wholeOption,
  wordOption,
} from './option-values.ts'
import type { runPublish } from './publish.ts'
import type { ResumeOptions } from './resume.ts'
import type { runSimulate } from './simulate.ts'
import { streamTarget } from './stream-target.ts'

/** Config directory of a command that is not told one. */
export const CONFIG_DEFAULT = 'config'

/** Options without anything else on the line. Throws UsageError. */
export function parse(args: string[], options: ParseArgsOptionsConfig): OptionValues {
  const { values, positionals } = parseBoth(args, options)
  if (positionals.length === 0) return values
  throw new UsageError(`${positionals[0]} is no option`)
}

/** Options and what stands beside them. Throws UsageError. */
export function parseBoth(
  args: string[],
  options: ParseArgsOptionsConfig,
): { readonly values: OptionValues; readonly positionals: readonly string[] } {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** Options of `resume`. Throws UsageError. */
export function resumeOptions(args: string[]): ResumeOptions {
  const values = parse(args, {
    config: { type: 'string', default: CONFIG_DEFAULT },
    ...texts('partition', 'at', 'choose', 'halt', 'number', 'reason', 'by'),
    yes: { type: 'boolean' },
  })
  const partition = partitionOption(values)
  const reason = textOption(values, 'reason', null)
  if (partition === null) throw new UsageError('--partition says which one')
  if (values.choose === undefined) throw new UsageError(`--choose ${RULING_CHOICES.join(' or ')}`)
  if (reason === null) throw new UsageError('--reason says why, to whoever reads the log')
  const whole = (name: string, least: number): number | null => {
    const isGiven = values[name] !== undefined
    return isGiven ? wholeOption(values, name, 0, [least, Number.MAX_SAFE_INTEGER]) : null
  }
  return {
    config: values.config as string,
    partition,
    at: whole('at', 1),
    readNumber: whole('number', 0),
    choice: wordOption(values, 'choose', RULING_CHOICES),
    halt: textOption(values, 'halt', null),
    reason,
    by: textOption(values, 'by', null),
    isYes: switchOption(values, 'yes'),
  }
}

/** `--partition`; null where it was not given. Throws UsageError. */
export function partitionOption(values: OptionValues): number | null {
  if (values.partition === undefined) return null
  return wholeOption(values, 'partition', 0, [0, PARTITION_COUNT_MAX - 1])
}

/** Options of `simulate`. Throws UsageError. */
export function simulateOptions(args: string[]): Parameters<typeof runSimulate>[0] {
  const values = parse(args, {
    ...texts('servers', 'config', 'partitions', 'subscribers', 'rate', 'for', 'seed', 'probe'),
    ...texts('rows', 'rhythm', 'late', 'late-batches', 'duplicates', 'state'),
    json: { type: 'boolean' },
  })
  const share = (name: string): number => numberOption(values, name, 0, [0, 1])
  return {
    target: streamTarget(values),
    probe: textOption(values, 'probe', 'simulated'),
    subscriberCount: wholeOption(values, 'subscribers', 100_000, [1, 200_000_000]),
    recordsPerSecond: numberOption(values, 'rate', 10_000, [0.001, 10_000_000]),
    forMs: durationOption(values, 'for'),
    seed: wholeOption(values, 'seed', 1, [0, Number.MAX_SAFE_INTEGER]),
    rows: wholeOption(values, 'rows', 1_000, [1, 32_000]),
    rhythm: wordOption(values, 'rhythm', ['daily', 'flat']),
    lateShare: share('late'),
    lateBatchShare: share('late-batches'),
    duplicateShare: share('duplicates'),
    statePath: textOption(values, 'state', null),
    isJson: switchOption(values, 'json'),
  }
}

/** Options of `publish`. Throws UsageError. */
export function publishOptions(args: string[]): Parameters<typeof runPublish>[0] {
  const { values, positionals } = parseBoth(args, {
    ...texts('map', 'zone', 'time-format', 'delimiter', 'servers', 'config', 'partitions'),
    ...texts('probe', 'epoch', 'refused'),
    'dry-run': { type: 'boolean' },
    json: { type: 'boolean' },
  })
  const [file, ...others] = positionals
  const map = textOption(values, 'map', null)
  if (file === undefined || others.length > 0)
    throw new UsageError('one file, or - for standard input')
  if (map === null) throw new UsageError('--map says which columns hold what: sub=…,bytes=…,time=…')
  const delimiter = textOption(values, 'delimiter', null)
  const hasEpoch = values.epoch !== undefined
  return {
    target: streamTarget(values),
    file,
    map,
    zone: textOption(values, 'zone', null),
    timeFormat: textOption(values, 'time-format', 'auto'),
    delimiter: delimiter === 'tab' ? '\t' : delimiter,
    probe: textOption(values, 'probe', null),
    epoch: hasEpoch ? wholeOption(values, 'epoch', 0, [0, Number.MAX_SAFE_INTEGER]) : null,
    refusedPath: textOption(values, 'refused', null),
    isDryRun: switchOption(values, 'dry-run'),
    isJson: switchOption(values, 'json'),
  }
}

/** Options that take a text. */
export function texts(...names: string[]): ParseArgsOptionsConfig {
  return Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
}
