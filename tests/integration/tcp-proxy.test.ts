/** The proxy breaks links as it says: a fault that is not injected proves nothing. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/worker-harness.ts'

/** Long enough for a byte to pass where it may. */
const PASSING_MS = 100

let echo: Server
let proxy: TcpProxy
let client: Socket
let received = ''
const sockets: Socket[] = []
/** What became of the server's side of the newest connection. */
let serverSide: { socket: Socket; text: string; hasEnded: boolean; error: string | null }

beforeEach(async () => {
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    const side: typeof serverSide = { socket, text: '', hasEnded: false, error: null }
    serverSide = side
    sockets.push(socket)
    socket.on('data', (bytes) => {
      side.text += bytes.toString()
      socket.write(bytes)
    })
    socket.on('end', () => {
      side.hasEnded = true
    })
    socket.on('error', (error) => {
      side.error = (error as NodeJS.ErrnoException).code ?? error.message
    })
  })
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  proxy = await TcpProxy.open((echo.address() as AddressInfo).port)
  client = await open()
  await say('hello ')
})

afterEach(async () => {
  client.destroy()
  await proxy.close()
  for (const socket of sockets.splice(0)) socket.destroy()
  await new Promise((resolve) => echo.close(resolve))
})

test('bytes pass in both directions', async () => {
  await say('world')
  expect(serverSide.text).toBe('hello world')
})

test('what is held back on its way up arrives when it is let go, even from a peer that has gone', async () => {
  proxy.hold(['up'])
  client.write('late')
  client.destroy()
  await sleep(PASSING_MS)
  expect(serverSide.text).toBe('hello ')
  proxy.release()
  await until('the late bytes are there', () => serverSide.text === 'hello late')
})

test('what is held back on its way down was said all the same', async () => {
  proxy.hold(['down'])
  client.write('deaf')
  await until('the server has heard it', () => serverSide.text === 'hello deaf')
  await sleep(PASSING_MS)
  expect(received).toBe('hello ')
  proxy.release()
  await until('the answer is there', () => received === 'hello deaf')
})

test('a reset reaches the side that is named, as an error', async () => {
  const failed = once(client, 'error')
  proxy.reset('down')
  expect((await failed)[0].code).toBe('ECONNRESET')
  client = await open()
  await say('again')
  const { socket } = serverSide
  proxy.reset('up')
  await until('the server knows', () => serverSide.error === 'ECONNRESET')
  expect(socket.destroyed).toBe(true)
})

test('half-closed, one side reads the end of the other', async () => {
  const ended = once(client, 'end')
  proxy.halfClose('down')
  await ended
  expect(serverSide.hasEnded).toBe(false)
  proxy.halfClose('up')
  await until('the server reads the end', () => serverSide.hasEnded)
})

test('refused connections are reset, others go on', async () => {
  proxy.refuse(true)
  const refused = connect({ port: proxy.port, host: '127.0.0.1' })
  expect((await once(refused, 'error'))[0].code).toBe('ECONNRESET')
  await say('still here')
})

test('a slow link takes its time and loses nothing', async () => {
  proxy.slowDown({ delayMs: 30, bytesPerSecond: 1_000 })
  const startedAtMs = performance.now()
  await say('x'.repeat(100))
  // 30 ms and 100 ms in each direction; timers may be early by one.
  expect(performance.now() - startedAtMs).toBeGreaterThan(250)
})

async function open(): Promise<Socket> {
  const socket = connect({ port: proxy.port, host: '127.0.0.1' })
  received = ''
  socket.on('data', (bytes) => {
    received += bytes.toString()
  })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** Writes and waits for the echo. */
async function say(text: string): Promise<void> {
  const whole = received + text
  client.write(text)
  await until('the echo is back', () => received === whole)
}
