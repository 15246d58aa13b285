/** Whether the ledger of a loaded image agrees with itself, its subscribers and its timers. */

import { LEDGER_HEAD_OFFSET } from '../state/layout.ts'
import { ROW_FREE, ROW_JOURNEY, ROW_PENDING, ROW_REFUSED, ROW_REOPEN } from '../state/ledger.ts'
import { stepNumberOf } from '../state/member.ts'
import type { PartitionCore } from './core.ts'

/** Offset of the next row of a chain, or of the free rows, in a ledger row. */
const NEXT_OFFSET = 84

/**
 * Every row belongs to exactly one chain: of its own subscriber, or of the free rows. Problems in
 * words, without subscribers' numbers; empty when all is well.
 */
export function findLedgerDamage(core: PartitionCore): string[] {
  const { ledger, layout } = core
  const rows = ledger.table.rowCount
  const problems: string[] = []
  const owners = new Uint8Array(rows)
  const follow = (start: number, name: string, isRight: (row: number) => boolean): void => {
    for (let next = start; next !== 0; ) {
      const row = next - 1
      if (row < 0 || row >= rows) {
        problems.push(`${name} leads out of the ledger`)
        return
      }
      if (owners[row] !== 0) {
        problems.push(`${name} runs into row ${row}, which has its place already`)
        return
      }
      owners[row] = 1
      if (!isRight(row)) problems.push(`${name} holds row ${row}, which is not of it`)
      next = ledger.table.getI32(row, NEXT_OFFSET)
    }
  }
  for (let slot = 0; slot < core.tables[0]!.rowCount; slot++) {
    if (core.subscriberOf(slot) < 0) continue
    const start = core.tables[0]!.getI32(slot, LEDGER_HEAD_OFFSET)
    follow(start, `the chain of slot ${slot}`, (row) => {
      return ledger.status(row) !== ROW_FREE && ledger.read(row).slot === slot
    })
  }
  follow(ledger.freeHead, 'the chain of free rows', (row) => ledger.status(row) === ROW_FREE)
  const ids = new Set<number>()
  for (let row = 0; row < rows; row++) {
    if (owners[row] === 0) problems.push(`row ${row} is in no chain`)
    if (ledger.status(row) === ROW_FREE) continue
    const { id, trigger, status, shape, ...names } = ledger.read(row)
    // What was refused may have its latch opened again by another row.
    const isTwice = status !== ROW_REFUSED && ids.has(id)
    if (id < 1 || id >= core.nextCandidateId || isTwice) problems.push(`row ${row}: a wrong id`)
    if (status !== ROW_REFUSED) ids.add(id)
    if (layout.triggers[trigger] === undefined) problems.push(`row ${row}: an unknown trigger`)
    if (status === ROW_JOURNEY) {
      problems.push(...findMemberDamage(core, row))
      continue
    }
    if (layout.valueShapes[shape] === undefined) problems.push(`row ${row}: an unknown shape`)
    if (status < ROW_FREE || status > ROW_REFUSED) problems.push(`row ${row}: an unknown status`)
    const asked = ledger.askedWord(row)
    const codes = [names.channel, names.class, names.experiment, names.detail, asked]
    if (codes.some((code) => code < 0 || code > layout.names.length)) {
      problems.push(`row ${row}: an unknown name`)
    }
  }
  return problems
}

/** The row of a member names a journey, and a step that it has or had. */
function findMemberDamage({ ledger, layout }: PartitionCore, number: number): string[] {
  const row = ledger.read(number)
  const journey = layout.journeys[row.trigger]
  if (journey === undefined) return [`row ${number}: an unknown journey`]
  const step = stepNumberOf(row)
  const isFine = step >= -1 && step < journey.steps.length && row.detail <= journey.edits
  return isFine ? [] : [`row ${number}: an unknown step`]
}

/** Every row that waits has one timer, and they come due in order. Takes the heap apart. */
export function findTimerDamage(core: PartitionCore): string[] {
  const { heap, ledger } = core
  const problems: string[] = []
  const waiting = new Set<number>()
  for (let row = 0; row < ledger.table.rowCount; row++) {
    const status = ledger.status(row)
    const hasTimer = status === ROW_PENDING || status === ROW_REOPEN || status === ROW_JOURNEY
    if (hasTimer) waiting.add(row)
  }
  if (heap.count !== waiting.size) problems.push(`${heap.count} timers for ${waiting.size} rows`)
  let beforeMs = Number.NEGATIVE_INFINITY
  while (heap.count > 0) {
    const { nextDueMs, nextRow, nextId } = heap
    if (!waiting.delete(nextRow)) problems.push(`a timer of row ${nextRow}, which waits for none`)
    else if (ledger.id(nextRow) !== nextId || ledger.dueMs(nextRow) !== nextDueMs) {
      problems.push(`the timer of row ${nextRow} says something else than the row`)
    }
    if (!(nextDueMs >= beforeMs)) problems.push(`row ${nextRow} comes due out of order`)
    beforeMs = nextDueMs
    heap.pop()
  }
  return problems
}
