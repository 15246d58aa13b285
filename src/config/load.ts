/**
 * A config directory to settings and texts. The texts are not understood here: rules/ does that.
 */

import { createHash } from 'node:crypto'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigInvalidError, type ConfigProblem } from '../errors.ts'
import type { ConfigFiles } from '../model/catalog.ts'
import { parseSettings, type Settings } from './settings.ts'
import { SETTINGS_FILE } from './settings-reference.ts'

/** All texts of a configuration together, bytes: they travel in one message of the log. */
export const CONFIG_TOTAL_SIZE_MAX = 900_000

/**
 * Files and folders that one config directory may have, so that a wrong path does not read a whole
 * disk.
 */
const ENTRIES_MAX = 10_000

/** A config directory, read. */
export interface LoadedConfig {
  readonly settings: Settings
  /** Texts by path below the directory, `/` between folders, sorted; without `highwater.yaml`. */
  readonly files: ConfigFiles
}

/**
 * Reads a config directory: `highwater.yaml` at its top, every other `*.yaml` and `*.yml` below it.
 * Names that start with a dot are skipped (Kubernetes keeps `..data` there), symbolic links
 * followed.
 *
 * @throws ConfigInvalidError when the directory, a file or the settings cannot be read or
 * understood.
 */
export async function loadConfigDirectory(directory: string): Promise<LoadedConfig> {
  const problems: ConfigProblem[] = []
  const paths = await listYamlFiles(directory, problems)
  const settingsText = paths.includes(SETTINGS_FILE)
    ? await readText(directory, SETTINGS_FILE, problems)
    : ''
  if (problems.length > 0) throw new ConfigInvalidError(problems)
  const settings = parseSettings(SETTINGS_FILE, settingsText)
  const { exclude } = settings.rules
  const files = new Map<string, string>()
  let totalSize = 0
  for (const path of paths) {
    if (path === SETTINGS_FILE || exclude.some((folder) => path.startsWith(`${folder}/`))) continue
    if (path.endsWith(`/${SETTINGS_FILE}`)) {
      const message = `settings stand at the top of the config directory, in ${SETTINGS_FILE}, only`
      const suggestion = 'name the folder in rules.exclude if it is a configuration of its own'
      problems.push({ file: path, line: 1, column: 1, code: 'not-allowed', message, suggestion })
      continue
    }
    totalSize += await sizeOf(directory, path, problems)
    if (totalSize > CONFIG_TOTAL_SIZE_MAX) {
      const message = `more than ${CONFIG_TOTAL_SIZE_MAX} bytes in all files up to this one`
      problems.push({ file: path, line: 1, column: 1, code: 'too-large', message })
      break
    }
    files.set(path, await readText(directory, path, problems))
  }
  if (problems.length > 0) throw new ConfigInvalidError(problems)
  return { settings, files: Object.freeze(Object.fromEntries(files)) }
}

/**
 * A hash over names and contents of everything that `loadConfigDirectory` may read; what cannot be
 * read counts as a content of its own, so that its repair is a change too.
 */
export async function hashConfigDirectory(directory: string): Promise<string> {
  const problems: ConfigProblem[] = []
  const hash = createHash('sha256')
  for (const path of await listYamlFiles(directory, problems)) {
    const size = await sizeOf(directory, path, problems)
    const text = size > CONFIG_TOTAL_SIZE_MAX ? '' : await readText(directory, path, problems)
    hash.update(`${path}\0${size}\0${text}\0`)
  }
  return hash.update(JSON.stringify(problems)).digest('hex')
}

/** Paths of all YAML files below the directory, sorted by code units, `/` between folders. */
async function listYamlFiles(directory: string, problems: ConfigProblem[]): Promise<string[]> {
  const paths: string[] = []
  const pending = ['']
  const visited = new Set<string>()
  let entryCount = 0
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const place = join(directory, folder)
    try {
      // A link back up would go round for ever; each real folder is read once.
      const real = await realpath(place)
      if (visited.has(real)) continue
      visited.add(real)
      for (const name of await readdir(place)) {
        if (name.startsWith('.')) continue
        if (++entryCount > ENTRIES_MAX) throw new Error(`more than ${ENTRIES_MAX} entries`)
        const path = folder === '' ? name : `${folder}/${name}`
        const status = await stat(join(directory, path))
        if (status.isDirectory()) pending.push(path)
        else if (status.isFile() && /\.ya?ml$/.test(name)) paths.push(path)
      }
    } catch (error) {
      problems.push(unreadable(folder === '' ? '.' : folder, error))
    }
  }
  return paths.sort()
}

async function sizeOf(directory: string, path: string, problems: ConfigProblem[]): Promise<number> {
  try {
    return (await stat(join(directory, path))).size
  } catch (error) {
    problems.push(unreadable(path, error))
    return 0
  }
}

async function readText(
  directory: string,
  path: string,
  problems: ConfigProblem[],
): Promise<string> {
  try {
    const bytes = await readFile(join(directory, path))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    problems.push(unreadable(path, error))
    return ''
  }
}

/** The system's error code and nothing else: its text holds paths of the machine. */
function unreadable(file: string, error: unknown): ConfigProblem {
  const code = (error as NodeJS.ErrnoException).code
  const isEncoding = code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
  const known = code ?? (error instanceof Error ? error.message : 'unknown error')
  const message = isEncoding ? 'the file is not UTF-8' : `cannot be read: ${known}`
  return { file, line: 1, column: 1, code: 'unreadable', message }
}
