/** Settings of `highwater gateway`: the process, and each kind of channel. */

import {
  durationField,
  type Field,
  listField,
  orUnset,
  sizeField,
  textField,
  wholeField,
  wordField,
  wordOrField,
} from './setting-fields.ts'

const PATH = /^\S(.*\S)?$/
const FILE = 'the path of a file'

/** Section `gateway`, but for its channels. */
export const GATEWAY_FIELDS = {
  name: textField(/^[A-Za-z0-9_-]{1,24}$/, 'a name of A-Z a-z 0-9 _ -, at most 24 characters', {
    default: 'gateway',
    doc: 'Under this name it reports back; a gateway that takes over has the same.',
  }),
  begin: wordField(['all', 'new'], {
    default: 'all',
    doc: 'Where a channel begins that never sent: with all that OUT still holds, or with what comes.',
  }),
  receiptsWithin: durationField(
    { min: '1h', max: '30d' },
    { default: '3d', doc: 'How long receipts of a delivery are waited for.' },
  ),
  host: textField(/^[0-9A-Za-z.:_-]+$/, 'a host name or address', {
    default: '127.0.0.1',
    doc: 'Address that metrics and readiness listen on.',
  }),
  port: wholeField({ min: 0, max: 65_535 }, { default: 9481, doc: 'Its port; 0: any free one.' }),
} as const

const perSecond = orUnset(
  wholeField(
    { min: 1, max: 1_000_000 },
    {
      default: null,
      doc: 'Deliveries (by SMPP: SMS parts) in a second at most; not set: no limit.',
    },
  ),
)
const caFile = orUnset(
  textField(PATH, FILE, {
    default: null,
    doc: "Certificates of the authorities that the target's is checked against; not set: the system's.",
  }),
)

/** Settings of a channel by its kind. */
export const CHANNEL_KINDS = {
  nats: { perSecond },
  webhook: {
    url: textField(/^https?:\/\/[^\s@]+$/, 'an address like https://host/path, without a user', {
      default: null,
      doc: 'Where deliveries are posted.',
    }),
    secretFile: orUnset(
      textField(PATH, FILE, { default: null, doc: 'File that holds the secret of the signature.' }),
    ),
    caFile,
    addresses: wordOrField(
      'public',
      listField(
        textField(/^[0-9A-Fa-f.:]+(\/\d{1,3})?$/, 'a network like 10.1.0.0/16', {
          default: null,
          doc: 'A network.',
        }),
        64,
        { default: [], doc: 'Networks.' },
      ),
      {
        default: 'public',
        doc: 'Addresses that may be connected to: those of the public internet, or these networks alone.',
      },
    ),
    perSecond,
    concurrency: wholeField(
      { min: 1, max: 4_096 },
      { default: 64, doc: 'Requests at once at most; as many may be unknown after a crash.' },
    ),
    timeout: durationField(
      { min: '100ms', max: '5m' },
      { default: '10s', doc: 'How long one request may take, its answer included.' },
    ),
    retryMin: durationField(
      { min: '10ms', max: '1h' },
      { default: '1s', doc: 'Wait before the second attempt; doubles with each, up to retryMax.' },
    ),
    retryMax: durationField(
      { min: '10ms', max: '1d' },
      { default: '5m', doc: 'Wait between two attempts at most.' },
    ),
    retryAfterMax: durationField(
      { min: '1s', max: '1d' },
      { default: '15m', doc: 'What a target may ask for with Retry-After at most.' },
    ),
    breakerFailures: wholeField(
      { min: 1, max: 10_000 },
      { default: 20, doc: 'Failures in a row after which the target is left alone for a while.' },
    ),
    breakerOpen: durationField(
      { min: '100ms', max: '1h' },
      {
        default: '5s',
        doc: 'For how long at first; doubles with each failed try, up to 5 minutes.',
      },
    ),
    answerMax: sizeField(
      { min: '1 KiB', max: '16 MiB' },
      { default: '64 KiB', doc: 'Bytes of an answer that are read at most.' },
    ),
  },
  smpp: {
    url: textField(/^(smpp|ssmpp):\/\/[^\s/@:]+:\d{1,5}$/, 'an address like smpp://host:2775', {
      default: null,
      doc: 'The SMSC; ssmpp for TLS.',
    }),
    systemId: textField(/^[\x21-\x7e]{1,15}$/, 'a name of 1 to 15 characters', {
      default: null,
      doc: 'Who we are there (system_id).',
    }),
    passwordFile: textField(PATH, FILE, { default: null, doc: 'File that holds the password.' }),
    systemType: orUnset(
      textField(/^[\x21-\x7e]{1,12}$/, 'a name of 1 to 12 characters', {
        default: null,
        doc: 'system_type, if the SMSC wants one.',
      }),
    ),
    caFile,
    from: textField(/^[0-9A-Za-z+ ]{1,20}$/, 'an address of 1 to 20 characters', {
      default: null,
      doc: 'Our own address, which customers see and reply to.',
    }),
    replyAddresses: listField(
      textField(/^[0-9A-Za-z+ ]{1,20}$/, 'an address', { default: null, doc: 'An address.' }),
      64,
      { default: [], doc: 'Further addresses of ours that replies come to.' },
    ),
    fromTon: wholeField({ min: 0, max: 6 }, { default: 0, doc: 'Type of number of our address.' }),
    fromNpi: wholeField({ min: 0, max: 18 }, { default: 1, doc: 'Its numbering plan.' }),
    toTon: wholeField({ min: 0, max: 6 }, { default: 1, doc: "Type of a subscriber's number." }),
    toNpi: wholeField({ min: 0, max: 18 }, { default: 1, doc: 'Its numbering plan.' }),
    prefix: orUnset(
      textField(/^\+?\d{1,6}$/, 'digits like 86', {
        default: null,
        doc: "Written before a subscriber's number, and taken off where a reply comes from.",
      }),
    ),
    perSecond,
    window: wholeField(
      { min: 1, max: 1_000 },
      { default: 20, doc: 'Unanswered submits at most; as many may be unknown after a crash.' },
    ),
    longMessages: wordField(['parts', 'payload'], {
      default: 'parts',
      doc: 'How a text that needs more than one SMS goes: in parts with headers, or as message_payload.',
    }),
    receiptIds: wordField(['same', 'answer-hex', 'receipt-hex'], {
      default: 'same',
      doc: 'Whether answers and receipts write an id the same way, or one of them in hex.',
    }),
    answerTimeout: durationField(
      { min: '100ms', max: '5m' },
      { default: '30s', doc: 'How long an answer may take; then the message is unknown.' },
    ),
    enquireEvery: durationField(
      { min: '100ms', max: '10m' },
      { default: '30s', doc: 'How often a silent SMSC is asked whether it is there.' },
    ),
    reconnectMax: durationField(
      { min: '100ms', max: '10m' },
      {
        default: '30s',
        doc: 'Wait between two attempts to connect at most; the first is a second.',
      },
    ),
    throttleMin: durationField(
      { min: '10ms', max: '1m' },
      { default: '500ms', doc: 'Pause when the SMSC asks for less; doubles, up to 30 seconds.' },
    ),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Field<unknown>>>>>

/** What a channel may be. */
export type ChannelKind = keyof typeof CHANNEL_KINDS

type FieldValue<F> = F extends Field<infer T> ? T : never

/** A channel's settings: its name, its kind, and what goes with that. */
export type ChannelSettings = {
  [K in ChannelKind]: { readonly name: string; readonly kind: K } & {
    readonly [P in keyof (typeof CHANNEL_KINDS)[K]]: FieldValue<(typeof CHANNEL_KINDS)[K][P]>
  }
}[ChannelKind]

/** Names of channels: part of streams and subjects. */
export const CHANNEL_NAME = /^[A-Za-z0-9_-]{1,32}$/

/** Channels of one gateway at most. */
export const CHANNELS_MAX = 32
