/**
 * A target in a process of its own, for `npm run gateway`: it writes down what it gets before it
 * answers, so that a kill forgets nothing.
 *
 *   target-process.ts webhook|smpp PORT LOG
 */

import { openSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSmsc, type Pdu, type Session } from 'smpp'

const [kind, port, logFile] = process.argv.slice(2)
const log = openSync(logFile!, 'a')
let count = 0

if (kind === 'webhook') {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      writeSync(log, `${request.headers['idempotency-key']}\n`)
      response.writeHead(204).end()
    })
  })
  server.keepAliveTimeout = 60_000
  server.listen(Number(port), '127.0.0.1')
} else {
  createSmsc((session: Session) => {
    session.on('error', () => session.destroy())
    for (const command of ['bind_transceiver', 'enquire_link', 'unbind']) {
      session.on(command, (pdu: Pdu) => session.send(pdu.response()))
    }
    session.on('submit_sm', (pdu: Pdu) => {
      count += 1
      // Now and then it is busy.
      if (count % 997 === 0) {
        session.send(pdu.response({ command_status: 0x58 }))
        return
      }
      writeSync(log, `offer:${pdu.destination_addr}:ever:1\n`)
      session.send(pdu.response({ message_id: `${process.pid}-${count}` }))
    })
  }).listen(Number(port), '127.0.0.1')
}
