/**
 * A line in the audit for every command that changes an installation: what was asked for, by whom,
 * and what became of it.
 */

import { pino } from 'pino'
import { loadConfigDirectory } from '../config/load.ts'
import { HighwaterError } from '../errors.ts'
import { commandActor, openAuditLog } from './audit-log.ts'

const ADMIN_COMMANDS: ReadonlySet<string> = new Set([
  ...['init', 'backup', 'restore', 'resume', 'settle', 'erase', 'cancel', 'promote', 'import'],
  ...['select', 'send-test'],
])
/** Options whose value says who somebody is: not even a short number is written down. */
const PERSONAL_OPTION = /^--subscriber(?:=|$)/

/**
 * Runs a command and, if it is one that changes something, adds its line: to the audit file of the
 * settings that `--config` names, else to standard error.
 */
export async function runAudited(
  name: string,
  args: readonly string[],
  run: () => Promise<number>,
): Promise<number> {
  if (!ADMIN_COMMANDS.has(name)) return run()
  const file = await findAuditFile(args)
  const audit = openAuditLog({ file, logger: pino(pino.destination({ fd: 2, sync: true })) })
  const record = (outcome: string): void => {
    const operation = ['highwater', name, ...withoutPersons(args)].join(' ')
    audit.record({ operation, actor: commandActor(), outcome, generation: null })
  }
  try {
    const exitCode = await run()
    record(exitCode === 0 ? 'done' : `exit code ${exitCode}`)
    return exitCode
  } catch (error) {
    record(error instanceof HighwaterError ? error.code : 'failed')
    throw error
  }
}

/** The command itself says what is wrong with a configuration that cannot be read. */
async function findAuditFile(args: readonly string[]): Promise<string | null> {
  const position = args.findIndex((arg) => arg === '--config' || arg.startsWith('--config='))
  if (position === -1) return null
  const directory = args[position]!.slice('--config='.length) || args[position + 1]
  if (directory === undefined) return null
  const config = await loadConfigDirectory(directory).catch(() => null)
  return config?.settings.log.auditFile ?? null
}

function withoutPersons(args: readonly string[]): string[] {
  return args.map((arg, index) => {
    if (index > 0 && args[index - 1] === '--subscriber') return '#'
    return PERSONAL_OPTION.test(arg) && arg.includes('=') ? '--subscriber=#' : arg
  })
}
