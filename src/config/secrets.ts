/**
 * Secrets: they come from a file that a setting names, or from the environment, and stand in no
 * configuration. Nothing here ever puts one, or the path of its file, into a message.
 */

import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { SecretError } from '../errors.ts'

/** A setting that names the file of a secret. */
export type SecretSetting =
  | 'nats.passwordFile'
  | 'nats.tokenFile'
  | 'nats.nkeyFile'
  | 'nats.credentialsFile'
  | 'http.tokenFile'

/** Gives the secret as it is now. Never throws once it was opened: an unreadable one stays. */
export type SecretReader = () => string

/** What people write who do not know the setting, and the variable that does instead of a file. */
const SECRETS: Readonly<Record<SecretSetting, { variable: string; inline: readonly string[] }>> = {
  'nats.passwordFile': { variable: 'HIGHWATER_NATS_PASSWORD', inline: ['password', 'pass'] },
  'nats.tokenFile': { variable: 'HIGHWATER_NATS_TOKEN', inline: ['token'] },
  'nats.nkeyFile': { variable: 'HIGHWATER_NATS_NKEY', inline: ['nkey', 'seed'] },
  'nats.credentialsFile': {
    variable: 'HIGHWATER_NATS_CREDENTIALS',
    inline: ['credentials', 'creds', 'jwt'],
  },
  'http.tokenFile': { variable: 'HIGHWATER_HTTP_TOKEN', inline: ['token', 'tokens'] },
}

/** Larger than any secret: a wrong path must not read a disk. Bytes. */
const SECRET_SIZE_MAX = 64 * 1024
const READABLE_BY_ALL = 0o004

/** Why `section.name` is refused when it would hold a secret itself; null: it is no such name. */
export function findInlineSecret(
  section: string,
  name: string,
): { readonly message: string; readonly suggestion: string } | null {
  for (const [setting, { variable, inline }] of Object.entries(SECRETS)) {
    const [settingSection, key] = setting.split('.') as [string, string]
    if (settingSection !== section || !inline.includes(name)) continue
    return {
      message: 'secrets do not stand in a configuration',
      suggestion: `put it into a file and write ${key}: PATH, or set ${variable}`,
    }
  }
  return null
}

/**
 * Opens a secret: the file's, else the environment's, else null. The file is read again by each
 * call of the reader, so that a new secret takes no restart; while it cannot be read, the last one
 * stays. `warn` gets sentences for operators.
 *
 * @throws {SecretError} when the file cannot be read or is empty, or when both are given
 */
export function openSecret(
  setting: SecretSetting,
  file: string | null,
  warn: (message: string) => void,
  environment: NodeJS.ProcessEnv = process.env,
): SecretReader | null {
  const { variable } = SECRETS[setting]
  const given = environment[variable]
  if (file === null) {
    if (given === undefined) return null
    if (given.trim() === '') throw new SecretError(`${variable} is empty`)
    return () => given.trim()
  }
  if (given !== undefined) throw new SecretError(`${setting} and ${variable} are both set`)
  return openSecretFile(setting, file, warn)
}

/**
 * Opens the secret of a channel, which has a file and no variable; `setting` is its whole path.
 * Read again by each call, as in `openSecret`.
 *
 * @throws {SecretError} when the file cannot be read or is empty
 */
export function openSecretFile(
  setting: string,
  file: string,
  warn: (message: string) => void,
): SecretReader {
  let last = readSecret(setting, file)
  warnIfReadableByAll(setting, file, warn)
  return () => {
    try {
      last = readSecret(setting, file)
    } catch (error) {
      if (!(error instanceof SecretError)) throw error
      warn(`${error.message}; the secret that was read before stays in use`)
    }
    return last
  }
}

/** Warns when everybody on the machine may read a file that is secret. */
export function warnIfReadableByAll(
  setting: string,
  file: string,
  warn: (message: string) => void,
): void {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0
  if ((mode & READABLE_BY_ALL) === 0) return
  warn(`everybody on this machine may read the file of ${setting}: chmod o-r it`)
}

/** @throws {SecretError} when the file of a setting cannot be read */
export function checkReadable(setting: string, file: string): void {
  try {
    accessSync(file, constants.R_OK)
  } catch (error) {
    throw unreadable(setting, error)
  }
}

function readSecret(setting: string, file: string): string {
  let text = ''
  try {
    if (statSync(file).size > SECRET_SIZE_MAX) throw new SecretError(`${setting} is too large`)
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (error instanceof SecretError) throw error
    throw unreadable(setting, error)
  }
  if (text === '') throw new SecretError(`the file of ${setting} is empty`)
  return text
}

/** The system's text holds the path, and somebody may have written the secret in its place. */
function unreadable(setting: string, error: unknown): SecretError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
  return new SecretError(`the file of ${setting} cannot be read: ${code}`)
}
