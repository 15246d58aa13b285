/** A real HTTP server that takes webhooks, and may be as bad as a target can be. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signatureOf } from '../../src/webhook/request.ts'

/** What the target does with a request. A number is a status. */
export type TargetMood =
  | number
  | 'hang'
  | 'reset'
  | 'rubbish'
  | 'redirect'
  | 'huge'
  | 'slow'
  | 'lie'
  | 'patience'

/** A request as it arrived. */
export interface TargetRequest {
  readonly key: string
  readonly body: Record<string, unknown>
  readonly isSigned: boolean
  readonly atMs: number
}

/** Listens on the loopback until it is closed. */
export class WebhookTarget {
  readonly requests: TargetRequest[] = []
  /** `count`: requests with this key before this one. */
  moodOf: (key: string, count: number) => TargetMood = () => 204
  secret = ''
  readonly #server: Server
  readonly #counts = new Map<string, number>()

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#take(request, response)
    })
  }

  static async open(port = 0): Promise<WebhookTarget> {
    const server = createServer()
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return new WebhookTarget(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/deliveries`
  }

  /** Requests by key. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    if (this.#server.listening) {
      this.#server.close()
      await once(this.#server, 'close')
    }
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const key = String(request.headers['idempotency-key'])
    const timestamp = String(request.headers['highwater-timestamp'])
    const isSigned =
      request.headers['highwater-signature'] === signatureOf(this.secret, timestamp, body)
    const count = this.#counts.get(key) ?? 0
    this.#counts.set(key, count + 1)
    const parsed = JSON.parse(body.toString()) as Record<string, unknown>
    this.requests.push({ key, body: parsed, isSigned, atMs: Date.now() })
    behave(this.moodOf(key, count), response)
  }
}

function behave(mood: TargetMood, response: ServerResponse): void {
  if (typeof mood === 'number') response.writeHead(mood).end()
  if (mood === 'patience') response.writeHead(429, { 'retry-after': '1' }).end()
  if (mood === 'reset') response.socket!.resetAndDestroy()
  if (mood === 'rubbish') response.socket!.end('SMTP ready\r\n\r\n')
  if (mood === 'redirect') response.writeHead(307, { location: '/elsewhere' }).end()
  // Says that more follows, and ends.
  if (mood === 'lie') {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('short')
    setTimeout(() => response.socket?.destroy(), 20)
  }
  if (mood === 'slow') {
    response.writeHead(200)
    const timer = setInterval(() => response.write('.'), 20)
    response.on('close', () => clearInterval(timer))
  }
  if (mood === 'huge') {
    response.writeHead(200)
    const chunk = Buffer.alloc(64 * 1024)
    const write = (): void => {
      let isReady = true
      while (isReady && !response.destroyed) isReady = response.write(chunk)
    }
    response.on('drain', write)
    write()
  }
}
