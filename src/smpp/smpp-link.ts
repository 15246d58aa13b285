/**
 * One bound session with an SMSC, kept up: connects, binds as a transceiver, asks whether the other
 * side is still there, reconnects with backoff. The package brings the protocol's encoding; what is
 * in flight, how long an answer may take and what a lost connection means is ours.
 */

import type { WaitingClock } from '../model/ports.ts'
import { connect, type Pdu, type Session } from 'smpp'

/** Where and who. */
export interface SmppLinkSettings {
  readonly host: string
  readonly port: number
  readonly isTls: boolean
  /** Certificates of authorities to trust instead of the system's (PEM); null: the system's. */
  readonly caText: string | null
  readonly systemId: string
  /** Gives the password as it is now. */
  readonly password: () => string
  readonly systemType: string
  readonly connectTimeoutMs: number
  readonly answerTimeoutMs: number
  readonly enquireEveryMs: number
  readonly reconnectMinMs: number
  readonly reconnectMaxMs: number
  /** From 0 up to 1, for jitter. */
  readonly random: () => number
}

/** What became of a request. `unsent`: it never left; `unanswered`: it may have arrived. */
export type LinkOutcome =
  | { readonly kind: 'answer'; readonly status: number; readonly pdu: Pdu }
  | { readonly kind: 'unsent' }
  | { readonly kind: 'unanswered' }

/** What a link reports to its owner. */
export interface LinkEvents {
  /** Bound, or not any more. */
  readonly onChange: () => void
  /** A message from the SMSC; the command_status of the answer. */
  readonly onDeliver: (pdu: Pdu) => Promise<number>
  /** For the log: one word, no number. */
  readonly onTrouble: (what: string) => void
}

const INTERFACE_VERSION = 0x34

/** Started once, closed once. */
export class SmppLink {
  readonly #settings: SmppLinkSettings
  readonly #clock: WaitingClock
  readonly #events: LinkEvents
  #session: Session | null = null
  #isBound = false
  #isClosed = false
  #running: Promise<void> = Promise.resolve()
  /** Ends requests under way when the session does. */
  readonly #pending = new Set<() => void>()
  bindCount = 0

  constructor(settings: SmppLinkSettings, clock: WaitingClock, events: LinkEvents) {
    this.#settings = settings
    this.#clock = clock
    this.#events = events
  }

  get isBound(): boolean {
    return this.#isBound
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Sends a submit_sm; never rejects. */
  submit(options: Readonly<Record<string, unknown>>): Promise<LinkOutcome> {
    const session = this.#session
    if (session === null || !this.#isBound) return Promise.resolve({ kind: 'unsent' })
    return this.#ask((onAnswer) => session.submit_sm(options, onAnswer))
  }

  /** Unbinds and closes. */
  async close(): Promise<void> {
    this.#isClosed = true
    const session = this.#session
    if (session !== null && this.#isBound) {
      this.#isBound = false
      await Promise.race([
        this.#ask((onAnswer) => session.unbind(onAnswer)),
        this.#clock.pause(1_000),
      ])
    }
    session?.destroy()
    await this.#running
  }

  async #run(): Promise<void> {
    const { reconnectMinMs, reconnectMaxMs, random } = this.#settings
    let waitMs = reconnectMinMs
    while (!this.#isClosed) {
      const wasBound = await this.#live()
      if (this.#isClosed) return
      waitMs = wasBound ? reconnectMinMs : Math.min(reconnectMaxMs, waitMs * 2)
      await this.#clock.pause(Math.round(waitMs * (0.5 + random() / 2)))
    }
  }

  /** One session from its connection to its end; whether it was bound. */
  async #live(): Promise<boolean> {
    const { host, port, isTls, caText } = this.#settings
    const tls = isTls
      ? { tls: true, servername: host, ...(caText === null ? {} : { ca: caText }) }
      : {}
    const session = connect({ host, port, ...tls })
    this.#session = session
    const ended = new Promise<void>((resolve) => session.on('close', resolve))
    // A frame that cannot be read leaves the package's reader stuck: away with the connection.
    session.on('error', (error: NodeJS.ErrnoException) => {
      this.#events.onTrouble(error.code ?? 'protocol')
      session.destroy()
    })
    let wasBound = false
    if (await this.#bind(session, isTls ? 'secureConnect' : 'connect', ended)) {
      wasBound = true
      this.#isBound = true
      this.bindCount += 1
      this.#events.onChange()
      await this.#watch(session, ended)
    } else session.destroy()
    await ended
    this.#isBound = false
    this.#session = null
    for (const end of [...this.#pending]) end()
    this.#events.onChange()
    return wasBound
  }

  async #bind(session: Session, connected: string, ended: Promise<void>): Promise<boolean> {
    const { systemId, password, systemType, connectTimeoutMs } = this.#settings
    const isConnected = await Promise.race([
      new Promise<boolean>((resolve) => session.once(connected, () => resolve(true))),
      ended.then(() => false),
      this.#clock.pause(connectTimeoutMs).then(() => false),
    ])
    if (!isConnected) return false
    // Before the answer to the bind is here an SMSC may send already.
    session.on('deliver_sm', (pdu: Pdu) => void this.#deliver(session, pdu))
    session.on('data_sm', (pdu: Pdu) => void this.#deliver(session, pdu))
    session.on('enquire_link', (pdu: Pdu) => session.send(pdu.response()))
    session.on('unknown', (pdu: Pdu) => session.send(pdu.response()))
    session.on('unbind', (pdu: Pdu) => {
      session.send(pdu.response())
      session.close()
    })
    const bind = {
      system_id: systemId,
      password: password(),
      system_type: systemType,
      interface_version: INTERFACE_VERSION,
    }
    const outcome = await this.#ask((onAnswer) => session.bind_transceiver(bind, onAnswer), ended)
    if (outcome.kind === 'answer' && outcome.status === 0) return true
    if (outcome.kind === 'answer') this.#events.onTrouble(`bind-${statusWord(outcome.status)}`)
    return false
  }

  /** Asks now and then whether the other side is there; a silent one is hung up on. */
  async #watch(session: Session, ended: Promise<void>): Promise<void> {
    let isOver = false
    const over = ended.then(() => {
      isOver = true
    })
    while (!isOver && !this.#isClosed) {
      await Promise.race([over, this.#clock.pause(this.#settings.enquireEveryMs)])
      if (isOver || this.#isClosed) return
      const outcome = await this.#ask((onAnswer) => session.enquire_link(onAnswer), ended)
      if (outcome.kind === 'answer') continue
      this.#events.onTrouble('silent')
      session.destroy()
      return
    }
  }

  /** A request and its answer, the end of the session, or neither in time. */
  #ask(
    send: (onAnswer: (pdu: Pdu) => void) => boolean,
    ended: Promise<void> | null = null,
  ): Promise<LinkOutcome> {
    return new Promise((resolve) => {
      const settle = (outcome: LinkOutcome): void => {
        this.#pending.delete(end)
        clearTimeout(timer)
        resolve(outcome)
      }
      const end = (): void => settle({ kind: 'unanswered' })
      const timer = setTimeout(end, this.#settings.answerTimeoutMs)
      this.#pending.add(end)
      void ended?.then(end)
      const isSent = send((pdu) => settle({ kind: 'answer', status: pdu.command_status, pdu }))
      if (!isSent) settle({ kind: 'unsent' })
    })
  }

  async #deliver(session: Session, pdu: Pdu): Promise<void> {
    let status: number
    try {
      status = await this.#events.onDeliver(pdu)
    } catch {
      status = TEMPORARY_ERROR
    }
    // An answer to a session that ended meanwhile goes nowhere; the SMSC says it again.
    session.send(pdu.response({ command_status: status }))
  }
}

/** ESME_RX_T_APPN: we cannot take it now; the SMSC is to say it again. */
export const TEMPORARY_ERROR = 0x64

/** A command_status as a word for logs and counts. */
export function statusWord(status: number): string {
  return `0x${status.toString(16).padStart(2, '0')}`
}
