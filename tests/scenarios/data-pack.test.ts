import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'
import { runBesideNaive } from '../support/beside-naive.ts'
import { dailyWindowOf } from '../support/daily-window.ts'
import { type NaiveParameters, S1_PARAMETERS } from '../support/naive/input.ts'
import { edited, scenarioFiles } from '../support/scenario-files.ts'
import { generateWorkload, type WorkloadOptions } from '../support/workload/generate.ts'

const HOUR_MS = 3_600_000
const FILES = scenarioFiles('data-pack')
const REALTIME_FILES = scenarioFiles('data-pack-realtime')
/** What the scenario's own files say, as far as a province or an operator may well change it. */
const CATALOG = parseCatalog(FILES).catalog
const S1: NaiveParameters = {
  ...S1_PARAMETERS,
  keep: CATALOG.counters.find(({ name }) => name === 'data_4g')!.keep,
  keepOtt: CATALOG.counters.find(({ name }) => name === 'ott')!.keep,
  contactWindow: dailyWindowOf(CATALOG.triggers[0]!.contactWindow!),
}
const REALTIME: NaiveParameters = {
  ...S1,
  trigger: 'data-pack-realtime',
  schedule: { kind: 'now' },
  contactWindow: dailyWindowOf(parseCatalog(REALTIME_FILES).catalog.triggers[0]!.contactWindow!),
}

function keeping(files: ConfigFiles, keep: number): ConfigFiles {
  const path = 'counters.yaml'
  const text = files[path]!.replace(/(per: \[day\])(\n +keep: \d+)?/, `$1\n    keep: ${keep}`)
  return { ...files, [path]: text }
}

function living(files: ConfigFiles, expires: string): ConfigFiles {
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [
      path,
      text.replace(/expires: \w+/, `expires: ${expires}`),
    ]),
  )
}

describe('S1 decides as the naive model does', () => {
  for (let seed = 1; seed <= 20; seed++) {
    it(`seed ${seed}`, () => {
      const { decisions } = runBesideNaive(
        generateWorkload({ seed, subscribers: 40, parameters: S1 }),
        FILES,
        `seed ${seed}`,
      )
      expect(decisions.some(({ kind }) => kind === 'delivery')).toBe(true)
      expect(decisions.some(({ kind }) => kind === 'suppressed')).toBe(true)
    })
  }
})

interface Variant {
  readonly files: ConfigFiles
  readonly parameters?: Partial<NaiveParameters>
  readonly options?: Partial<WorkloadOptions>
}

const window = S1.contactWindow
const DROPPED = { ...window, outside: 'drop' } as const
const EDITS: Readonly<Record<string, Variant>> = {
  'in real time': { files: REALTIME_FILES, parameters: REALTIME },
  'in real time, dropped at night': {
    files: edited(REALTIME_FILES, 'outside: defer', 'outside: drop'),
    parameters: { ...REALTIME, contactWindow: { ...REALTIME.contactWindow, outside: 'drop' } },
  },
  'in real time, late records kept': {
    files: keeping(REALTIME_FILES, 2),
    parameters: { ...REALTIME, keep: 2 },
  },
  'dropped at night': {
    files: edited(FILES, 'outside: defer', 'outside: drop'),
    parameters: { contactWindow: DROPPED },
  },
  'a short life': {
    files: living(REALTIME_FILES, '10h'),
    parameters: { ...REALTIME, contactWindow: { ...window, expiresMs: 10 * HOUR_MS } },
  },
  'yesterday kept': { files: keeping(FILES, 1), parameters: { keep: 1 } },
  'two days kept': { files: keeping(FILES, 2), parameters: { keep: 2 } },
  'late records silent': {
    files: edited(keeping(FILES, 1), 'late: fire', 'late: ignore'),
    parameters: { keep: 1, isLateFiring: false },
  },
  'two per month': {
    files: edited(FILES, 'cap: 1 per month', 'cap: 2 per month'),
    parameters: { capPerMonth: 2 },
  },
  'two attempts': {
    files: edited(FILES, 'at: next day 12:00', 'at: next day 12:00\n  attempts: 2'),
    parameters: { attemptsMax: 2 },
  },
  'no second attempt': {
    files: edited(FILES, 'at: next day 12:00', 'at: next day 12:00\n  onExpired: drop'),
    parameters: { onExpired: 'drop' },
  },
  'five days to live': {
    files: living(FILES, '5d'),
    parameters: { contactWindow: { ...window, expiresMs: 120 * HOUR_MS } },
  },
  'NR counted': {
    files: edited(FILES, 'count_nr: false', 'count_nr: true'),
    parameters: { rats: [1, 5, 6, 10] },
  },
  'another line': {
    files: edited(FILES, 'line: 500 KiB', 'line: 300 kB'),
    parameters: { thresholdBytes: 300_000 },
  },
  'same day, before the event': {
    files: edited(FILES, 'at: next day 12:00', 'at: same day 10:30'),
    parameters: { schedule: { kind: 'at', days: 0, minuteOfDay: 630 } },
  },
  'planned for the night': {
    files: edited(FILES, 'at: next day 12:00', 'at: next day 22:30'),
    parameters: { schedule: { kind: 'at', days: 1, minuteOfDay: 1350 } },
  },
  'a day of lateness': {
    files: edited(edited(keeping(FILES, 1), 'lateness: 48h', 'lateness: 24h'), '5m', '1m'),
    parameters: { keep: 1, latenessMs: 24 * HOUR_MS, earlinessMs: 60_000 },
  },
  'one of seven partitions': {
    files: FILES,
    parameters: { partitionCount: 7, partition: 3 },
  },
  'at home in Berlin': {
    files: keeping(FILES, 1),
    parameters: { zone: 'Europe/Berlin', keep: 1 },
    options: { zones: [null, null, 'Asia/Shanghai', 'Australia/Lord_Howe', 'America/St_Johns'] },
  },
  'people who move': {
    files: keeping(FILES, 1),
    parameters: { keep: 1 },
    options: { movingShare: 0.6, zones: [null, 'Pacific/Kiritimati', 'America/New_York'] },
  },
  'people who move, in real time': {
    files: keeping(REALTIME_FILES, 2),
    parameters: { ...REALTIME, keep: 2 },
    options: { movingShare: 0.9, zones: [null, 'Pacific/Kiritimati', 'Pacific/Pago_Pago'] },
  },
  'a tick a minute late': { files: FILES, options: { tickMinutes: 7, subscribers: 10, days: 20 } },
  'many in few batches': { files: FILES, options: { subscribers: 300, days: 12, probes: 5 } },
}

describe('variants of S1 decide as the naive model does', () => {
  for (const [name, { files, parameters, options }] of Object.entries(EDITS)) {
    it(name, () => {
      for (const seed of [101, 102]) {
        const workload = generateWorkload({
          seed,
          subscribers: 30,
          ...options,
          parameters: { ...S1, ...parameters },
        })
        const { decisions } = runBesideNaive(workload, files, `${name}, seed ${seed}`)
        expect(decisions.length).toBeGreaterThan(0)
      }
    })
  }
})
