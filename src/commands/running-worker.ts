/** Questions to a worker that is up, over HTTP, as the commands put them. */

import { openSecret } from '../config/secrets.ts'
import type { Settings } from '../config/settings.ts'
import { BrokerUnavailableError, UsageError } from '../errors.ts'

/** What a worker answered. `error` is there where it did not do what it was asked. */
export interface WorkerAnswer<Body> {
  readonly body: Body | null
  readonly error: { readonly code: string; readonly message: string } | null
}

/** Where the HTTP server of a worker with these settings is reached from this machine. */
export function workerAddress({ host, port }: Settings['http']): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

/**
 * Asks with the token of the settings. `url`: the worker's address; null: as configured. Throws
 * UsageError for what is no address and BrokerUnavailableError where nobody answers.
 */
export async function askRunningWorker<Body>(
  settings: Settings,
  url: string | null,
  path: string,
  method: 'GET' | 'POST' = 'GET',
): Promise<WorkerAnswer<Body>> {
  const address = url ?? workerAddress(settings.http)
  if (!URL.canParse(address)) {
    throw new UsageError(`${address} is no address like http://HOST:9480`)
  }
  const token = firstToken(settings)
  const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` }
  let response: Response
  try {
    response = await fetch(new URL(path, address), { method, headers })
  } catch (error) {
    throw new BrokerUnavailableError(`the worker at ${address} does not answer`, { cause: error })
  }
  const text = await response.text()
  const body = parsed(text)
  if (response.ok && body !== null) return { body: body as Body, error: null }
  const told = (body as { error?: { code: string; message: string } } | null)?.error
  const error = told ?? { code: `HTTP ${response.status}`, message: text.slice(0, 200) }
  return { body: null, error }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The file may hold several tokens with names: any of them may write. */
function firstToken({ http }: Settings): string {
  const warn = (message: string): void => console.error(message)
  const text = openSecret('http.tokenFile', http.tokenFile, warn)?.() ?? ''
  return text.split('\n')[0]!.trim().split(/\s+/).at(-1)!
}
