/**
 * A whole partition's machine under a log in which one message of three is damaged. It never
 * throws, records each refused message once, and a refused batch changes nothing that a subscriber
 * could notice.
 */

import type { InputMessage } from '../../src/model/ports.ts'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import { encodeInput, startMachine } from '../support/machine-harness.ts'
import { scenarioFiles } from '../support/scenario-files.ts'
import { generateWorkload } from '../support/workload/generate.ts'
import { mutate, seededNumbers } from '../unit/decode/wire-cases.ts'
import { type FuzzTarget, FuzzTally, hold } from './target.ts'

const SUBJECT_PIECES = ['usage', 'profile', 'feedback', 'control', '0', '1', 'probe1', '*', '>', '']
const DRAIN = { batchDecisionsMax: 1_000, batchSizeMax: 512 * 1024 }

/** Logs with damaged messages through the machine. */
export const machineTarget: FuzzTarget = {
  name: 'machine',
  rule: 'whatever the log holds is applied or refused once, and a refused batch changes nothing',
  cases: 300_000,
  run({ seed, cases, say }) {
    const tally = new FuzzTally()
    for (let round = 0; tally.cases < cases; round++) {
      say(tally.cases)
      playLog(seed + round, tally)
    }
    return tally
  },
}

function playLog(seed: number, tally: FuzzTally): void {
  const next = seededNumbers(seed)
  const { inputs, parameters } = generateWorkload({ seed, subscribers: 30, days: 12 })
  const machine = startMachine(parameters, scenarioFiles('data-pack'))
  let sequence = 1
  for (const input of inputs) {
    const sound = encodeInput(input, parameters.partition)
    const isDamaged = next() % 3 === 0
    if (isDamaged) applyCase(machine, damaged(sound, ++sequence, next), tally)
    applyCase(machine, { ...sound, sequence: ++sequence }, tally)
  }
}

function damaged(sound: InputMessage, sequence: number, next: () => number): InputMessage {
  const subject = next() % 10 === 0 ? strangeSubject(next) : sound.subject
  const timestampMs = [0, 2 ** 53, -1, 1e15][next() % 4]!
  return { sequence, timestampMs, subject, data: mutate(sound.data, next) }
}

function strangeSubject(next: () => number): string {
  const count = next() % 5
  return Array.from({ length: count }, () => SUBJECT_PIECES[next() % SUBJECT_PIECES.length]!).join(
    '.',
  )
}

function applyCase(machine: PartitionMachine, message: InputMessage, tally: FuzzTally): void {
  const core = machine.core!
  const before = noticeable(machine)
  tally.attempt(
    () => {
      machine.apply(message)
      const parts = machine.rejects.takeAll()
      const whole = parts.filter(({ messageId }) => messageId.endsWith('-0'))
      hold(core.sequence === message.sequence, 'the sequence moves on by one')
      if (whole.length === 0 || !message.subject.startsWith('usage.')) return
      // Records that are refused one by one leave the rest of their batch standing.
      const isWhole = noticeable(machine).records === before.records
      if (isWhole) hold(noticeable(machine).subscribers === before.subscribers, 'nobody new')
    },
    () => null,
    () => `${message.subject} ${Buffer.from(message.data).toString('hex')}`,
  )
  while (machine.outbox.take(1, DRAIN) !== null);
}

function noticeable(machine: PartitionMachine): { records: number; subscribers: number } {
  const core = machine.core!
  return { records: core.statistics.records, subscribers: core.subscriberCount }
}
