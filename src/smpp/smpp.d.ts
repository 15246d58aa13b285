/** The part of the package `smpp` (0.5.1, which brings no types) that we use. */
declare module 'smpp' {
  import type { EventEmitter } from 'node:events'
  import type { Server as NetServer, Socket } from 'node:net'

  /** A protocol data unit; parameters by the names of the specification. */
  interface Pdu {
    readonly command: string
    readonly command_status: number
    readonly sequence_number: number
    readonly [parameter: string]: unknown
    isResponse(): boolean
    response(options?: Readonly<Record<string, unknown>>): Pdu
  }

  /** One connection. Emits connect, secureConnect, pdu, close, error and each command by name. */
  interface Session extends EventEmitter {
    readonly socket: Socket
    send(pdu: Pdu, onAnswer?: (answer: Pdu) => void): boolean
    submit_sm(options: Readonly<Record<string, unknown>>, onAnswer: (answer: Pdu) => void): boolean
    deliver_sm(options: Readonly<Record<string, unknown>>, onAnswer: (answer: Pdu) => void): boolean
    bind_transceiver(
      options: Readonly<Record<string, unknown>>,
      onAnswer: (answer: Pdu) => void,
    ): boolean
    enquire_link(onAnswer: (answer: Pdu) => void): boolean
    unbind(onAnswer: (answer: Pdu) => void): boolean
    close(): void
    destroy(): void
  }

  function connect(options: Readonly<Record<string, unknown>>): Session
  function createServer(onSession: (session: Session) => void): NetServer

  export { connect, createServer, type Pdu, type Session }
}
