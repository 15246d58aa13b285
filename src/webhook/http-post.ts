/**
 * One POST over kept-alive connections, and what is known after it. Follows no redirect, reads no
 * more of an answer than it must, connects to no address that it did not check itself.
 */

import { lookup as systemLookup } from 'node:dns'
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { Agent as HttpsAgent, request as requestTls } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { AddressRules } from './address-rules.ts'

/**
 * What is known after an attempt. `unsent`: not one byte of it left; `unanswered`: it may have
 * arrived; `answer`: the target said something. `code`: one word.
 */
export type PostOutcome =
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfter: string | undefined }
  | { readonly kind: 'unsent'; readonly code: string }
  | { readonly kind: 'unanswered'; readonly code: string }

/** Where to post. */
export interface PostTarget {
  readonly url: URL
  readonly addresses: AddressRules
  /** From the start to the last byte of the answer, ms. */
  readonly timeoutMs: number
  readonly connectionsMax: number
  /** Certificates of authorities to trust instead of the system's (PEM); null: the system's. */
  readonly caText: string | null
  /** Bytes of an answer's body that are read so that the connection can be used again. */
  readonly answerSizeMax: number
}

/** Posts to one target. */
export interface Poster {
  /** Never rejects. */
  post(body: Buffer, headers: Readonly<Record<string, string>>): Promise<PostOutcome>
  /** Cuts all connections. */
  close(): void
}

/** Makes the poster of a target; it connects to nothing yet. */
export function createPoster(target: PostTarget): Poster {
  const { url, connectionsMax, addresses, caText } = target
  const lookup = checkedLookup(addresses)
  const options = {
    keepAlive: true,
    maxSockets: connectionsMax,
    scheduling: 'lifo',
    lookup,
  } as const
  const isTls = url.protocol === 'https:'
  const ca = caText === null ? {} : { ca: caText }
  const agent = isTls ? new HttpsAgent({ ...options, ...ca }) : new HttpAgent(options)
  // A host that is an address is connected to without a look-up.
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isRefused = isIP(host) !== 0 && !addresses.isAllowed(host)
  return {
    async post(body, headers) {
      if (isRefused) return { kind: 'unsent', code: ADDRESS_REFUSED }
      const send = isTls ? requestTls : request
      return exchange(send(url, { method: 'POST', agent, headers }), body, target, isTls)
    },
    close: () => agent.destroy(),
  }
}

/** Code of an attempt that had no address to go to. */
export const ADDRESS_REFUSED = 'address-refused'

/** Resolves a name to those of its addresses that may be connected to. */
function checkedLookup(addresses: AddressRules): LookupFunction {
  return (hostname, options, callback) => {
    systemLookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, '', 0)
        return
      }
      const allowed = found.filter(({ address }) => addresses.isAllowed(address))
      const [first] = allowed
      if (first === undefined) {
        const refusal: NodeJS.ErrnoException = new Error(`no address of ${hostname} is allowed`)
        refusal.code = ADDRESS_REFUSED
        callback(refusal, '', 0)
      } else if (options.all === true) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}

function exchange(
  request_: ClientRequest,
  body: Buffer,
  { timeoutMs, answerSizeMax }: PostTarget,
  isTls: boolean,
): Promise<PostOutcome> {
  return new Promise((resolve) => {
    let isConnected = false
    let answer: PostOutcome | null = null
    const settle = (outcome: PostOutcome): void => {
      clearTimeout(timer)
      resolve(answer ?? outcome)
    }
    const timer = setTimeout(() => {
      request_.destroy()
      settle({ kind: isConnected ? 'unanswered' : 'unsent', code: 'timeout' })
    }, timeoutMs)
    request_.on('socket', (socket) => {
      // From here on bytes may leave.
      if (!socket.connecting) isConnected = true
      else socket.once(isTls ? 'secureConnect' : 'connect', () => (isConnected = true))
    })
    request_.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? 'error'
      settle({ kind: isConnected ? 'unanswered' : 'unsent', code })
    })
    request_.on('response', (response) => {
      const { statusCode: status = 0, headers } = response
      // What was answered stays answered, whatever becomes of the rest of it.
      answer = { kind: 'answer', status, retryAfter: headers['retry-after'] }
      drain(response, answerSizeMax, () => settle(answer!))
    })
    request_.end(body)
  })
}

function drain(response: IncomingMessage, sizeMax: number, onEnd: () => void): void {
  let size = 0
  response.on('data', (chunk: Buffer) => {
    size += chunk.byteLength
    if (size > sizeMax) response.destroy()
  })
  response.on('error', () => undefined)
  response.on('close', onEnd)
}
