/** A private redis-server on a Unix socket, and the few lines of its protocol (RESP) we need. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureDebianProgram, PROJECT_ROOT } from '../../src/launch.mjs'

/** Appended to file at once, synced every second; never rewritten, which favours Redis. */
const SETTINGS = {
  port: '0',
  save: '',
  appendonly: 'yes',
  appendfsync: 'everysec',
  'auto-aof-rewrite-percentage': '0',
}
const START_TIMEOUT_MS = 10_000

/** What Redis answers: text, a whole number, nothing, or a list of these. */
export type RedisReply = string | number | null | readonly RedisReply[]

/** A running server; whoever started it stops it. */
export interface RedisServer {
  readonly socketPath: string
  /** As given to the server, for people. */
  readonly settings: string
  stop(): Promise<void>
}

/**
 * Starts a server with its files in `directory`.
 * @throws {LaunchError} when there is no redis-server; the sentence says what to install
 */
export async function startRedisServer(directory: string): Promise<RedisServer> {
  const program = await ensureDebianProgram('redis-server')
  const folder = join(directory, 'redis')
  await mkdir(folder, { recursive: true })
  const socketPath = join(folder, 'socket')
  const options = { ...SETTINGS, dir: folder, unixsocket: socketPath }
  const args = Object.entries(options).flatMap(([key, value]) => [`--${key}`, value])
  const env = { ...process.env, LD_LIBRARY_PATH: await libraryPath() }
  const child = spawn(program, args, { env, stdio: 'ignore' })
  const kill = () => child.kill('SIGKILL')
  process.on('exit', kill)
  await untilListening(child, socketPath)
  return {
    socketPath,
    settings: `appendfsync ${SETTINGS.appendfsync}, no rewrite of the AOF, Unix socket`,
    stop: async () => {
      process.off('exit', kill)
      kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** The libraries that came with the program, see launch.mjs. */
async function libraryPath(): Promise<string> {
  const folder = join(PROJECT_ROOT, '.cache', 'lib')
  const triplets = await readdir(folder).catch(() => [])
  return [...triplets.map((triplet) => join(folder, triplet)), process.env.LD_LIBRARY_PATH ?? '']
    .filter((path) => path !== '')
    .join(':')
}

async function untilListening(child: ChildProcess, socketPath: string): Promise<void> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS
  while (performance.now() < deadlineMs && child.exitCode === null) {
    const client = await RedisClient.connect(socketPath).catch(() => null)
    client?.close()
    if (client !== null) return
    await sleep(20)
  }
  throw new Error(`redis-server did not come up (exit code ${child.exitCode})`)
}

/** One connection; commands may be sent before earlier ones are answered. */
export class RedisClient {
  readonly #socket: Socket
  readonly #waiting: { resolve: (reply: RedisReply) => void; reject: (error: Error) => void }[] = []
  #received: Buffer = Buffer.alloc(0)
  #offset = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data) => this.#receive(data))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the connection to Redis has ended')))
  }

  static async connect(socketPath: string): Promise<RedisClient> {
    const socket = connect(socketPath)
    await once(socket, 'connect')
    return new RedisClient(socket)
  }

  /** Sends a command of texts; rejects with what Redis says when it refuses. */
  command(...words: readonly string[]): Promise<RedisReply> {
    let text = `*${words.length}\r\n`
    for (const word of words) text += `$${Buffer.byteLength(word)}\r\n${word}\r\n`
    return this.send(text)
  }

  /** Sends a command that is encoded already. */
  send(encoded: string): Promise<RedisReply> {
    this.#socket.write(encoded, 'latin1')
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  #receive(data: Buffer): void {
    const rest = this.#received.subarray(this.#offset)
    this.#received = rest.length === 0 ? data : Buffer.concat([rest, data])
    this.#offset = 0
    while (this.#waiting.length > 0) {
      const before = this.#offset
      const reply = this.#parse()
      if (reply === undefined) {
        this.#offset = before
        return
      }
      const { resolve, reject } = this.#waiting.shift()!
      if (reply instanceof Error) reject(reply)
      else resolve(reply)
    }
  }

  /** The next reply, or undefined while it is not there whole. */
  #parse(): RedisReply | Error | undefined {
    const lineEnd = this.#received.indexOf('\r\n', this.#offset)
    if (lineEnd < 0) return undefined
    const type = this.#received[this.#offset]!
    const line = this.#received.toString('latin1', this.#offset + 1, lineEnd)
    this.#offset = lineEnd + 2
    if (type === 0x2b) return line
    if (type === 0x2d) return new Error(`Redis: ${line}`)
    const count = Number(line)
    if (type === 0x3a) return count
    if (count < 0) return null
    if (type === 0x24) {
      const end = this.#offset + count
      if (this.#received.length < end + 2) return undefined
      const text = this.#received.toString('utf8', this.#offset, end)
      this.#offset = end + 2
      return text
    }
    const items: RedisReply[] = []
    while (items.length < count) {
      const item = this.#parse()
      if (item === undefined) return undefined
      if (item instanceof Error) return item
      items.push(item)
    }
    return items
  }
}
