/** Every setting of a process once: kind, bounds, default, sentence. */

import { CHANNEL_KINDS, CHANNEL_NAME, CHANNELS_MAX, GATEWAY_FIELDS } from './gateway-grammar.ts'
import type { NamedGrammar } from './read-settings.ts'
import {
  durationField,
  instantField,
  listField,
  recipientsField,
  orUnset,
  rateField,
  sizeField,
  sizeOrUnlimitedField,
  textField,
  wholeField,
  wordField,
  wordOrField,
  zoneField,
} from './setting-fields.ts'

/** A path; what it means is relative to the working directory of the process. */
const PATH = /^\S(.*\S)?$/
const FILE = 'the path of a file'

/** What stands below `gateway.channels`, each under a name of its own. */
export const NAMED_SETTINGS: Readonly<Record<string, NamedGrammar>> = {
  'gateway.channels': {
    what: 'a channel',
    namePattern: CHANNEL_NAME,
    countMax: CHANNELS_MAX,
    kinds: CHANNEL_KINDS,
  },
}

/** Sections of `highwater.yaml` and their settings. */
export const SETTINGS_FIELDS = {
  nats: {
    servers: listField(
      textField(
        /^(nats|tls):\/\/[^\s/@]+$/,
        'the address of a NATS server, like nats://127.0.0.1:4222, without user and password',
        { default: null, doc: 'An address.' },
      ),
      32,
      { default: ['nats://127.0.0.1:4222'], doc: 'The NATS servers, all of one cluster.' },
    ),
    user: orUnset(
      textField(/^\S+$/, 'the name of a user', { default: null, doc: 'User to connect as.' }),
    ),
    passwordFile: orUnset(
      textField(PATH, FILE, {
        default: null,
        doc: 'File that holds the password of that user.',
      }),
    ),
    nkeyFile: orUnset(
      textField(PATH, FILE, {
        default: null,
        doc: 'File that holds the seed of an nkey (SU…), to connect as that user.',
      }),
    ),
    tokenFile: orUnset(
      textField(PATH, FILE, {
        default: null,
        doc: 'File that holds a token, for servers that ask for one instead of a user.',
      }),
    ),
    credentialsFile: orUnset(
      textField(PATH, FILE, {
        default: null,
        doc: 'NATS credentials file (JWT and seed).',
      }),
    ),
    tlsCaFile: orUnset(
      textField(PATH, FILE, {
        default: null,
        doc: 'Certificate authority that the servers are checked against.',
      }),
    ),
    tlsCertFile: orUnset(textField(PATH, FILE, { default: null, doc: 'Our own certificate.' })),
    tlsKeyFile: orUnset(
      textField(PATH, FILE, { default: null, doc: 'The key of our own certificate.' }),
    ),
    tlsServerName: orUnset(
      textField(/^[0-9A-Za-z.-]{1,253}$/, 'a host name', {
        default: null,
        doc: "Name in the servers' certificates, where it is not that of their addresses.",
      }),
    ),
    inboxPrefix: orUnset(
      textField(/^[0-9A-Za-z_-]+(\.[0-9A-Za-z_-]+)*$/, 'a subject without wildcards', {
        default: null,
        doc: 'Where answers come back to, for users that may not listen to all of _INBOX.',
      }),
    ),
  },
  partitions: {
    count: wholeField(
      { min: 1, max: 256 },
      {
        default: 1,
        doc: 'How many partitions there are; fixed at genesis. 1 on a laptop, 16 to 64 in production.',
      },
    ),
    owned: wordOrField(
      'all',
      listField(wholeField({ min: 0, max: 255 }, { default: null, doc: 'A partition.' }), 256, {
        default: null,
        doc: 'Partitions.',
      }),
      { default: 'all', doc: 'The partitions that this process works on, counted from 0.' },
    ),
    standby: wordOrField(
      'all',
      listField(wholeField({ min: 0, max: 255 }, { default: null, doc: 'A partition.' }), 256, {
        default: null,
        doc: 'Partitions.',
      }),
      {
        default: [],
        doc: 'Partitions that this process follows as a hot standby, whether `owned` names them or not.',
      },
    ),
  },
  standby: {
    promoteAfter: orUnset(
      durationField(
        { min: '1s', max: '1h' },
        {
          default: null,
          doc: 'A standby claims its partition when the owner has owed something for this long and stayed silent; left out: only when told.',
        },
      ),
    ),
  },
  genesis: {
    zone: zoneField({
      default: 'Asia/Shanghai',
      doc: 'Zone of subscribers whose profile names none; fixed at genesis.',
    }),
    clock: wordField(['real', 'virtual'], {
      default: 'real',
      doc: "real follows the log's time stamps; virtual follows the ticks of one writer (demo, tests).",
    }),
    writer: orUnset(
      textField(/^[a-z][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens', {
        default: null,
        doc: 'Whose ticks move a virtual clock.',
      }),
    ),
    start: orUnset(instantField({ default: null, doc: 'Where a virtual clock starts.' })),
  },
  store: {
    directory: textField(PATH, 'the path of a directory', {
      default: 'data',
      doc: 'Where the checkpoints are kept; one directory per partition is made in it.',
    }),
  },
  backup: {
    directory: orUnset(
      textField(PATH, 'the path of a directory', {
        default: null,
        doc: 'Where backups are put, on another disk than the store if they are to help.',
      }),
    ),
  },
  checkpoint: {
    every: durationField(
      { min: '100ms', max: '1h' },
      {
        default: '30s',
        doc: 'Time from one checkpoint to the next; the log replays what came after the last.',
      },
    ),
    bandwidth: rateField(
      { min: '1 MB', max: '10 GB' },
      { default: '200 MB per second', doc: 'How fast a checkpoint may write.' },
    ),
  },
  outbox: {
    latency: durationField(
      { min: '0ms', max: '1s' },
      { default: '2ms', doc: 'How long a decision may wait for others to share its message.' },
    ),
    batchDecisionsMax: wholeField(
      { min: 1, max: 10_000 },
      { default: 1000, doc: 'Decisions in one message at most.' },
    ),
    batchSizeMax: sizeField(
      { min: '16 KiB', max: '8 MiB' },
      { default: '512 KiB', doc: "Size of one message at most; below the server's max_payload." },
    ),
    pendingDecisionsMax: wholeField(
      { min: 1000, max: 10_000_000 },
      { default: 100_000, doc: 'Decisions not yet acknowledged; beyond, no input is taken.' },
    ),
  },
  shutdown: {
    timeout: durationField(
      { min: '1s', max: '1h' },
      {
        default: '45s',
        doc: 'How long a stop may wait for its streams; what has not left is sent after the next start.',
      },
    ),
  },
  streams: {
    inputMaxAge: durationField(
      { min: '1m', max: '90d' },
      { default: '3d', doc: 'How long the input is kept: a worker may be down that long.' },
    ),
    inputMaxSize: sizeOrUnlimitedField(
      { min: '1 MiB', max: '100000 GiB' },
      { default: 'unlimited', doc: 'Size of one input stream; full, it refuses new input.' },
    ),
    outputMaxAge: durationField(
      { min: '1m', max: '365d' },
      { default: '7d', doc: 'How long decisions are kept; at least as long as the input.' },
    ),
    outputMaxSize: sizeOrUnlimitedField(
      { min: '1 MiB', max: '100000 GiB' },
      {
        default: 'unlimited',
        doc: 'Size of one output stream; full, it holds its partition back.',
      },
    ),
    rejectMaxAge: durationField(
      { min: '1m', max: '365d' },
      { default: '7d', doc: 'How long refused input is kept.' },
    ),
    rejectMaxSize: sizeOrUnlimitedField(
      { min: '1 MiB', max: '100000 GiB' },
      { default: '1 GiB', doc: 'Size of one reject stream; full, it drops its oldest.' },
    ),
    replicas: wholeField(
      { min: 1, max: 5 },
      { default: 1, doc: 'Copies of each stream in the cluster: 1, 3 or 5.' },
    ),
  },
  http: {
    host: textField(/^[0-9A-Za-z.:_-]+$/, 'a host name or address', {
      default: '127.0.0.1',
      doc: 'Address to listen on.',
    }),
    port: wholeField({ min: 0, max: 65_535 }, { default: 9480, doc: 'Port; 0: any free one.' }),
    tokenFile: orUnset(
      textField(PATH, FILE, {
        default: null,
        doc: 'File that holds the bearer tokens for everything that writes, one on a line.',
      }),
    ),
    writesPerMinute: wholeField(
      { min: 1, max: 10_000 },
      { default: 30, doc: 'Writing requests that one address may make in a minute.' },
    ),
    readsPerMinute: wholeField(
      { min: 10, max: 1_000_000 },
      { default: 1200, doc: 'Reading requests that one address may make in a minute.' },
    ),
    offersPerMinute: wholeField(
      { min: 10, max: 100_000_000 },
      {
        default: 120_000,
        doc: 'Offers on request that one address may ask for or accept in a minute.',
      },
    ),
    connectionsMax: wholeField(
      { min: 8, max: 100_000 },
      { default: 256, doc: 'Open connections at most; further ones are closed at once.' },
    ),
  },
  watch: {
    directory: textField(PATH, 'the path of a directory', {
      default: 'data/watch',
      doc: 'Where highwater watch keeps what it has counted and what it has said.',
    }),
    snapshotEvery: durationField(
      { min: '1s', max: '1h' },
      { default: '1m', doc: 'Time from one snapshot of the counts to the next.' },
    ),
    host: textField(/^[0-9A-Za-z.:_-]+$/, 'a host name or address', {
      default: '127.0.0.1',
      doc: 'Address on which highwater watch listens.',
    }),
    port: wholeField({ min: 0, max: 65_535 }, { default: 9482, doc: 'Its port; 0: any free one.' }),
    workers: listField(
      textField(/^https?:\/\/[^\s/@]+$/, 'the address of a worker, like http://127.0.0.1:9480', {
        default: null,
        doc: 'An address.',
      }),
      256,
      {
        default: [],
        doc: 'Workers that are asked what is planned; none: the one of the section http.',
      },
    ),
    recipients: recipientsField({
      default: {},
      doc: "Phone numbers of the operator's people by role, as reports and watch name them.",
    }),
  },
  gateway: GATEWAY_FIELDS,
  log: {
    level: wordField(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      default: 'info',
      doc: 'The least important messages that are logged.',
    }),
    auditFile: orUnset(
      textField(PATH, FILE, {
        default: null,
        doc: 'File that lines of the audit are added to; not set: they stand in the log.',
      }),
    ),
  },
  rules: {
    exclude: listField(
      textField(/^[^\s/.][^/]*(\/[^/.][^/]*)*$/, 'a folder below the config directory', {
        default: null,
        doc: 'A folder.',
      }),
      100,
      { default: [], doc: 'Folders below the config directory that hold files of other programs.' },
    ),
  },
} as const
