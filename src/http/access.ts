/**
 * Who may do what. Reading metrics, health, triggers and partitions is open to whoever reaches the
 * port. Writing, and reading what is known of one subscriber, takes the bearer token; a request
 * that comes from this very machine may read without it, and may write only where no token is
 * configured.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import { BlockList, isIPv6 } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { noteToken } from './audit.ts'
import { sendError } from './errors.ts'

/** What a guarded route does: `write` changes the worker, `read-person` shows one subscriber. */
export type Guarded = 'write' | 'read-person'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/**
 * Makes the check that runs before a guarded route reads its body: answers 401 or 403 itself, else
 * does nothing. `token`: the text of the token file, null or empty when none is configured.
 */
export function createGuard(
  token: string | null,
  guarded: Guarded,
): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined> {
  const tokens = parseTokens(token ?? '')
  return async (request, reply) => {
    if (tokens.length === 0) {
      if (isFromThisMachine(request)) return undefined
      return sendError(reply, 403, 'HW_HTTP_FORBIDDEN', FORBIDDEN_MESSAGES[guarded])
    }
    const given = bearerToken(request.headers.authorization)
    const name = given === null ? null : findToken(tokens, given)
    if (name !== null) {
      noteToken(request, name)
      return undefined
    }
    if (guarded === 'read-person' && isFromThisMachine(request)) return undefined
    reply.header('www-authenticate', given === null ? 'Bearer' : 'Bearer error="invalid_token"')
    return sendError(
      reply,
      401,
      'HW_HTTP_UNAUTHORIZED',
      given === null ? 'A bearer token is required.' : 'The bearer token is not the right one.',
    )
  }
}

interface NamedToken {
  readonly name: string
  readonly digest: Buffer
}

/** A line is a token, or its name (for the audit), a space and the token. */
function parseTokens(text: string): readonly NamedToken[] {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/))
  return lines.flatMap(([first = '', second]) => {
    if (first === '') return []
    return [
      second === undefined
        ? { name: 'default', digest: digest(first) }
        : { name: first, digest: digest(second) },
    ]
  })
}

/** Compares with every token, so that the time tells nothing of which one was nearly right. */
function findToken(tokens: readonly NamedToken[], given: string): string | null {
  const givenDigest = digest(given)
  let found: string | null = null
  for (const { name, digest: expected } of tokens) {
    if (timingSafeEqual(givenDigest, expected)) found = name
  }
  return found
}

const FORBIDDEN_MESSAGES: Readonly<Record<Guarded, string>> = {
  write: 'No token is configured, so changes are accepted from this machine only.',
  'read-person': 'No token is configured, so subscribers are shown on this machine only.',
}

/**
 * Whether a request was made on this machine, by somebody on it. The peer's address alone does not
 * say so: a reverse proxy passes on strangers, and a web page can make its visitor's browser call
 * loopback (directly, or under a host name of its own that resolves to 127.0.0.1).
 */
export function isFromThisMachine(request: FastifyRequest): boolean {
  const { host, origin, forwarded } = request.headers
  if (!isLoopbackAddress(request.socket.remoteAddress ?? '')) return false
  if (forwarded !== undefined || request.headers['x-forwarded-for'] !== undefined) return false
  if (host !== undefined && !isLoopbackHost(host)) return false
  return origin === undefined || isLoopbackUrl(origin)
}

/** Whether hosts that were asked about lately are loopback: who calls often calls one name. */
const knownHosts = new Map<string, boolean>()
const KNOWN_HOSTS_MAX = 64

function isLoopbackHost(host: string): boolean {
  let isLoopback = knownHosts.get(host)
  if (isLoopback === undefined) {
    isLoopback = isLoopbackUrl(`http://${host}`)
    if (knownHosts.size >= KNOWN_HOSTS_MAX) knownHosts.clear()
    knownHosts.set(host, isLoopback)
  }
  return isLoopback
}

/** Whether an IP address is one of this very machine's. */
export function isLoopbackAddress(address: string): boolean {
  return address !== '' && LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

function isLoopbackUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const hostname = new URL(text).hostname.replace(/^\[|\]$/g, '')
  return hostname === 'localhost' || isLoopbackAddress(hostname)
}

function bearerToken(authorization: string | undefined): string | null {
  return /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? null
}

/** Digests have one length, so that comparing them tells nothing of the token's. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
