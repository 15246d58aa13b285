/**
 * An SMSC on the package's server: throttles, drops connections, answers late or not at all, sends
 * receipts before and after, and what customers reply.
 */

import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { createServer, type Pdu, type Session } from 'smpp'

/** What the SMSC does with a submit_sm. A number is a command_status. */
export type SmscMood = number | 'drop-before' | 'drop-after' | 'silent' | 'receipt-first'

/** A message that the SMSC took over. */
export interface TakenMessage {
  readonly id: string
  readonly to: string
  readonly from: string
  readonly dataCoding: number
  readonly udh: readonly Buffer[] | null
  readonly text: string
  readonly validity: unknown
}

/** Listens on the loopback until it is closed. */
export class Smsc {
  readonly taken: TakenMessage[] = []
  /** Asked for each submit_sm; `count`: submits before it. */
  moodOf: (to: string, count: number) => SmscMood = () => 0
  /** State of the receipt of a message; null: none is sent. */
  receiptOf: (message: TakenMessage) => { state: string; afterMs: number } | null = () => null
  bindStatus = 0
  password = 'secret'
  binds = 0
  submits = 0
  /** command_status of the answers to our deliver_sm. */
  readonly answers: number[] = []
  readonly #server: Server
  readonly #sessions = new Set<Session>()
  #lastId = 0

  private constructor(onSession: (take: (session: Session) => void) => Server) {
    this.#server = onSession((session) => this.#serve(session))
  }

  static async open(port = 0): Promise<Smsc> {
    const smsc = new Smsc((take) => createServer(take))
    smsc.#server.listen(port, '127.0.0.1')
    await once(smsc.#server, 'listening')
    return smsc
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `smpp://127.0.0.1:${this.port}`
  }

  async close(): Promise<void> {
    this.drop()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Cuts all connections. */
  drop(): void {
    for (const session of this.#sessions) session.destroy()
  }

  /** A customer writes; resolves with the answer's status. */
  reply(from: string, to: string, text: string): Promise<number> {
    return this.#deliver({ source_addr: from, destination_addr: to, short_message: text })
  }

  /** A receipt in the text form. */
  receipt(id: string, state: string, from = '1'): Promise<number> {
    const text = `id:${id} sub:001 dlvrd:001 submit date:2611200400 done date:2611200401 stat:${state} err:000 text:Hi`
    const address = { source_addr: from, destination_addr: '10086', esm_class: 4 }
    return this.#deliver({ ...address, short_message: text })
  }

  #deliver(options: Readonly<Record<string, unknown>>): Promise<number> {
    const [session] = this.#sessions
    return new Promise((resolve) => {
      const isSent = session?.deliver_sm(options, (answer) => {
        this.answers.push(answer.command_status)
        resolve(answer.command_status)
      })
      if (isSent !== true) resolve(-1)
    })
  }

  #serve(session: Session): void {
    session.on('error', () => session.destroy())
    session.on('close', () => this.#sessions.delete(session))
    session.on('bind_transceiver', (pdu: Pdu) => {
      const status = pdu.password === this.password ? this.bindStatus : 0x0e
      session.send(pdu.response({ command_status: status }))
      if (status !== 0) return
      this.binds += 1
      this.#sessions.add(session)
    })
    session.on('enquire_link', (pdu: Pdu) => session.send(pdu.response()))
    session.on('unbind', (pdu: Pdu) => {
      session.send(pdu.response())
      session.close()
    })
    session.on('submit_sm', (pdu: Pdu) => void this.#submit(session, pdu))
  }

  async #submit(session: Session, pdu: Pdu): Promise<void> {
    const to = String(pdu.destination_addr)
    const mood = this.moodOf(to, this.submits)
    this.submits += 1
    if (mood === 'drop-before') {
      session.destroy()
      return
    }
    if (typeof mood === 'number' && mood !== 0) {
      session.send(pdu.response({ command_status: mood }))
      return
    }
    const message = this.#take(pdu, to)
    if (mood === 'silent') return
    if (mood === 'drop-after') {
      session.destroy()
      return
    }
    const receipt = this.receiptOf(message)
    if (mood === 'receipt-first') {
      void this.receipt(message.id, receipt?.state ?? 'DELIVRD', to)
      setTimeout(() => session.send(pdu.response({ message_id: message.id })), 50)
      return
    }
    session.send(pdu.response({ message_id: message.id }))
    if (receipt === null) return
    setTimeout(() => void this.receipt(message.id, receipt.state, to), receipt.afterMs)
  }

  #take(pdu: Pdu, to: string): TakenMessage {
    this.#lastId += 1
    const short = pdu.short_message as { message: string; udh?: readonly Buffer[] }
    const payload = pdu.message_payload as { message: string } | undefined
    const message = {
      id: `m${this.#lastId}`,
      to,
      from: String(pdu.source_addr),
      dataCoding: Number(pdu.data_coding),
      udh: short.udh ?? null,
      text: payload?.message ?? short.message,
      validity: pdu.validity_period,
    }
    this.taken.push(message)
    return message
  }
}
