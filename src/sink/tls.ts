/**
 * TLS to NATS: what the client's own ways leave open, and words for what goes wrong. An address
 * `tls:` makes us insist on TLS; a server that is named by its IP address must show it in its
 * certificate (the client asks for `localhost` instead, whoever that is).
 */

import { readFileSync } from 'node:fs'
import { connect as connectSocket, isIP, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect as connectTls,
  type ConnectionOptions as TlsConnectionOptions,
  type PeerCertificate,
} from 'node:tls'
import type { TlsOptions } from 'nats'

/**
 * TLS by files in PEM, read at each dial; an empty object asks for TLS with the system's
 * authorities.
 */
export interface NatsTlsSettings {
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
  /** Name that the servers' certificates must carry; default: the host of the address. */
  readonly serverName?: string
}

const PORT_DEFAULT = 4222
const DIAGNOSIS_TIMEOUT_MS = 2_000

/** What Node and OpenSSL say when a handshake fails, or a certificate is not to be trusted. */
const TLS_CODE =
  /^(?:ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_|INVALID_CA|EPROTO)/

const SENTENCES: readonly (readonly [pattern: RegExp, sentence: string])[] = [
  [/ALTNAME|HOSTNAME/, 'its certificate is for another name (see nats.tlsServerName)'],
  [/CERT_HAS_EXPIRED/, 'its certificate has expired'],
  [
    /UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|INVALID_CA/,
    'no authority that we trust has signed its certificate (see nats.tlsCaFile)',
  ],
  [/ALERT/, 'it does not take our certificate (see nats.tlsCertFile)'],
  [/KEY_VALUES_MISMATCH/, 'nats.tlsKeyFile is not the key of nats.tlsCertFile'],
]

/** Options for the client; null where nothing asks for TLS (a server may still insist on it). */
export function tlsOptionsOf(
  servers: readonly string[],
  tls: NatsTlsSettings | undefined,
): TlsOptions | null {
  if (tls === undefined && !servers.some((server) => server.startsWith('tls:'))) return null
  const { serverName, ...files } = tls ?? {}
  // The client hands on to Node what it does not know itself.
  const further: TlsConnectionOptions =
    serverName === undefined
      ? { checkServerIdentity: createIdentityCheck(servers) }
      : { servername: serverName }
  return { ...files, ...further } as TlsOptions
}

/** What is wrong with TLS, in a sentence; null: the error is about something else. */
export function tlsProblemOf(error: unknown): string | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : ''
    if (TLS_CODE.test(code)) {
      const known = SENTENCES.find(([pattern]) => pattern.test(code))?.[1]
      return `${known ?? cause.message} [${code}]`
    }
    if (/server does not support 'tls'/.test(cause.message)) return 'it offers no TLS'
  }
  return null
}

/**
 * Why a server that shook hands did not answer afterwards: with TLS 1.3 it looks at our certificate
 * last, and the client waits for an answer without noticing the alert. Dials once more, alone; null
 * when the server has nothing against us.
 */
export async function findTlsRefusal(
  servers: readonly string[],
  tls: NatsTlsSettings,
): Promise<string | null> {
  for (const server of servers) {
    const refusal = await diagnose(new URL(server), tls)
    if (refusal !== null) return refusal
  }
  return null
}

function createIdentityCheck(
  servers: readonly string[],
): (host: string, certificate: PeerCertificate) => Error | undefined {
  const hosts = servers.map((server) => new URL(server).hostname.replace(/^\[|\]$/g, ''))
  const addresses = hosts.filter((host) => isIP(host) !== 0)
  return (host, certificate) => {
    // Node's name for a connection that was made by address.
    const isByAddress = host === 'localhost' && addresses.length > 0
    const accepted = isByAddress
      ? hosts.filter((each) => isIP(each) !== 0 || each === host)
      : [host]
    let problem: Error | undefined
    for (const name of accepted) {
      problem = checkServerIdentity(name, certificate)
      if (problem === undefined) return undefined
    }
    return problem
  }
}

function diagnose(url: URL, tls: NatsTlsSettings): Promise<string | null> {
  const socket = connectSocket(Number(url.port || PORT_DEFAULT), url.hostname)
  return new Promise((resolve) => {
    const settle = (error?: unknown): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(tlsProblemOf(error))
    }
    const timer = setTimeout(settle, DIAGNOSIS_TIMEOUT_MS)
    socket.on('error', settle)
    // The server speaks first: one line about itself, in the clear.
    socket.once('data', () => shakeHands(socket, tls, settle))
  })
}

function shakeHands(socket: Socket, tls: NatsTlsSettings, settle: (error?: unknown) => void): void {
  const { caFile, certFile, keyFile, serverName } = tls
  try {
    const secure = connectTls({
      socket,
      ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
      ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
      ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      // Its identity was checked before; only what it says of ours is of interest.
      checkServerIdentity: () => undefined,
    })
    secure.on('error', settle)
    secure.on('close', () => settle())
    // An alert is noticed by reading.
    secure.resume()
  } catch (error) {
    settle(error)
  }
}
