/** What a lock file may hold: nothing that is not pinned, checked on arrival and licensed to us. */

/** An entry of `packages` in package-lock.json, as far as it matters here. */
export interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly license?: string
  readonly link?: boolean
  readonly inBundle?: boolean
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** package-lock.json. */
export interface LockFile {
  readonly lockfileVersion: number
  readonly packages: Readonly<Record<string, LockedPackage>>
}

/** package.json, as far as it matters here. */
export type Manifest = Pick<
  LockedPackage,
  'dependencies' | 'devDependencies' | 'optionalDependencies'
> & { readonly allowScripts?: Readonly<Record<string, boolean>> }

/**
 * Builds for systems that nobody here could install: added to the lock file by hand, so that npm ci
 * agrees with package.json there too, and without a hash since nobody here fetched them.
 */
export const WITHOUT_INTEGRITY: readonly string[] = [
  ...['android-arm64', 'android-x64', 'darwin-arm64', 'darwin-x64', 'linux-arm64-musl'].map(
    (system) => `node_modules/@biomejs/cli-${system}`,
  ),
  ...['linux-x64-musl', 'win32-arm64', 'win32-x64'].map(
    (system) => `node_modules/@biomejs/cli-${system}`,
  ),
  ...['darwin-arm64', 'darwin-x64', 'linux-arm', 'win32-x64'].map(
    (system) => `node_modules/@msgpackr-extract/msgpackr-extract-${system}`,
  ),
]

/** Of what is shipped. */
const LICENSES: ReadonlySet<string> = new Set([
  ...['MIT', 'Apache-2.0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Unlicense'],
])
/** Of tools, which are not shipped. */
const TOOL_LICENSES: ReadonlySet<string> = new Set([
  ...LICENSES,
  ...['MIT OR Apache-2.0', '(MIT AND Zlib)', 'MPL-2.0'],
])

const EXACT_VERSION = /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/
const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies'] as const

/** Everything that is wrong, a sentence each; empty when the lock file may be trusted. */
export function lockProblems(lock: LockFile, manifest: Manifest): string[] {
  const problems: string[] = []
  if (lock.lockfileVersion !== 3) problems.push('the lock file is not of version 3')
  const { '': root = {}, ...packages } = lock.packages
  for (const kind of KINDS) problems.push(...declarationProblems(kind, root, manifest))
  for (const [path, entry] of Object.entries(packages)) {
    for (const problem of packageProblems(path, entry, manifest)) {
      problems.push(`${path} ${problem}`)
    }
  }
  for (const path of WITHOUT_INTEGRITY) {
    if (packages[path]?.integrity !== undefined) problems.push(`${path} has a hash: strike it out`)
  }
  return problems
}

function declarationProblems(
  kind: (typeof KINDS)[number],
  root: LockedPackage,
  manifest: Manifest,
): string[] {
  const [locked = {}, declared = {}] = [root[kind], manifest[kind]]
  const names = new Set([...Object.keys(locked), ...Object.keys(declared)])
  return [...names].flatMap((name) => {
    if (locked[name] !== declared[name]) return [`${kind} differ in ${name}`]
    return EXACT_VERSION.test(declared[name] ?? '') ? [] : [`${name} is not of one exact version`]
  })
}

function packageProblems(path: string, entry: LockedPackage, manifest: Manifest): string[] {
  const problems: string[] = []
  const { resolved, integrity, license = '' } = entry
  if (entry.link === true || entry.inBundle === true) problems.push('is no package of its own')
  if (!/^\d+\.\d+\.\d+/.test(entry.version ?? '')) problems.push('has no version')
  // Without an address npm takes the registry that it is set to.
  if (resolved !== undefined) problems.push(`comes from ${resolved}, not from the registry`)
  const isKnownToLack = entry.optional === true && WITHOUT_INTEGRITY.includes(path)
  if (!isKnownToLack && !/^sha512-[\w+/]{86}==$/.test(integrity ?? '')) {
    problems.push('has no hash to check it by')
  }
  const licenses = entry.dev === true ? TOOL_LICENSES : LICENSES
  if (!licenses.has(license)) problems.push(`is licensed as ${license || 'nothing'}`)
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
  if (entry.hasInstallScript === true && manifest.allowScripts?.[name] !== false) {
    problems.push('wants to run a script when it is installed')
  }
  return problems
}
