/** `highwater promote`: tells a standby to take over. */

import { loadConfigDirectory } from '../config/load.ts'
import { openSecret } from '../config/secrets.ts'
import type { Settings } from '../config/settings.ts'
import { BrokerUnavailableError, UsageError } from '../errors.ts'

/** Options of `promote`. */
export interface PromoteOptions {
  /** Config directory of the standby. */
  readonly config: string
  /** Null: all that the standby follows. */
  readonly partition: number | null
  /** Address of the standby; null: as configured. */
  readonly url: string | null
}

/** Asks the standby and prints what it owns now; resolves with 0. */
export async function runPromote(options: PromoteOptions): Promise<number> {
  const { settings } = await loadConfigDirectory(options.config)
  const url = options.url ?? addressOf(settings)
  if (!URL.canParse(url)) throw new UsageError(`${url} is no address like http://HOST:9480`)
  const query = options.partition === null ? '' : `?partition=${options.partition}`
  const token = firstToken(settings)
  const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(new URL(`/-/promote${query}`, url), {
    method: 'POST',
    headers,
  }).catch((error: unknown) => {
    throw new BrokerUnavailableError(`the standby at ${url} does not answer`, { cause: error })
  })
  const { promoted = [], error } = (await response.json()) as PromoteAnswer
  if (!response.ok) throw new UsageError(`${error?.code ?? response.status} ${error?.message}`)
  for (const { partition, epoch } of promoted) {
    console.log(`partition ${partition} is owned here now, epoch ${epoch}`)
  }
  return 0
}

interface PromoteAnswer {
  readonly promoted?: readonly { readonly partition: number; readonly epoch: number }[]
  readonly error?: { readonly code: string; readonly message: string }
}

function addressOf({ http: { host, port } }: Settings): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The file may hold several tokens with names: any of them may write. */
function firstToken({ http }: Settings): string {
  const warn = (message: string): void => console.error(message)
  const text = openSecret('http.tokenFile', http.tokenFile, warn)?.() ?? ''
  return text.split('\n')[0]!.trim().split(/\s+/).at(-1)!
}
