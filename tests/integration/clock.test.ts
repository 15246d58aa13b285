import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { BrokerRefusedError } from '../../src/errors.ts'
import type { ControlWriter } from '../../src/model/ports.ts'
import { encodeTick } from '../../src/probe/encode.ts'
import { replacing } from '../support/port-wrappers.ts'
import {
  type Installation,
  LINE_FILES,
  openInstallation,
  range,
  until,
} from '../support/worker-harness.ts'

const START_MS = Date.UTC(2026, 10, 1)
const VIRTUAL = { mode: 'virtual', writer: 'demo', startMs: START_MS } as const

let installation: Installation

afterEach(async () => {
  await installation.close()
})

/** LINE_FILES with a delay between crossing and delivery. */
function delayedBy(delay: string) {
  const text = LINE_FILES['triggers/line.yaml']!
  return {
    ...LINE_FILES,
    'triggers/line.yaml': text.replace('channel: sms', `channel: sms, at: after ${delay}`),
  }
}

/** Control messages in IN: genesis, and then ticks. */
async function controlCount(): Promise<number> {
  const manager = await installation.manager()
  const { state } = await manager.streams.info('IN_0', { subjects_filter: 'control.0' })
  return state.subjects?.['control.0'] ?? 0
}

async function tick(fields: { writer?: string; timeMs?: number } = {}): Promise<void> {
  await installation.send('control.0', encodeTick({ id: `t-${Math.random()}`, ...fields }))
}

describe('a real clock', () => {
  test('goes on in a quiet log: the owner asks for one tick, and what is due goes out', async () => {
    installation = await openInstallation({ files: delayedBy('700ms') })
    const { worker } = await installation.startLive()
    await installation.cross([1, 2, 3])
    await until('they wait', () => worker.view().pendingTimers === 3)
    expect(worker.view().decisionNumber).toBe(0)
    expect(await controlCount()).toBe(1)
    await until('they are said', () => worker.view().acknowledgedDecisionNumber === 3)
    await sleep(200)
    // Nothing is due any more: nobody asks for more ticks.
    expect(await controlCount()).toBeLessThanOrEqual(3)
    const decisions = await installation.decisions()
    expect(decisions.map(({ kind }) => kind)).toEqual(['delivery', 'delivery', 'delivery'])
    expect(decisions.every((decision) => decision.in > 2)).toBe(true)
  })

  test('asks for one tick at a time, however long the answer takes', async () => {
    installation = await openInstallation({ files: delayedBy('100ms') })
    let asked = 0
    let answer: () => void = () => undefined
    const { worker } = await installation.startLive({
      wrap: (ports) => ({
        ...ports,
        control: replacing<ControlWriter>(ports.control, {
          publish: async (data, expected) => {
            asked += 1
            await new Promise<void>((resolve) => {
              answer = resolve
            })
            return ports.control.publish(data, expected)
          },
        }),
      }),
    })
    await installation.cross([1])
    await until('it asks', () => asked === 1)
    await sleep(300)
    expect(asked).toBe(1)
    expect(worker.view().decisionNumber).toBe(0)
    answer()
    await until('it is said', () => worker.view().acknowledgedDecisionNumber === 1)
  })

  test('whose owner may not tick halts nobody; the next input of anybody moves it', async () => {
    installation = await openInstallation({ files: delayedBy('100ms') })
    let refused = 0
    const { worker } = await installation.startLive({
      wrap: (ports) => ({
        ...ports,
        control: replacing<ControlWriter>(ports.control, {
          publish: () => {
            refused += 1
            return Promise.reject(new BrokerRefusedError('permissions violation'))
          },
        }),
      }),
    })
    await installation.cross([1])
    await until('it was refused', () => refused > 0)
    expect(worker.status).toBe('live')
    await installation.usage([[9, 1, Date.now()]])
    await until('it is said', () => worker.view().acknowledgedDecisionNumber === 1)
  })

  test('is not moved by what a tick claims', async () => {
    installation = await openInstallation({ files: delayedBy('2h') })
    const { worker } = await installation.startLive()
    await installation.cross([1])
    await tick({ writer: 'demo', timeMs: Date.now() + 86_400_000 })
    await until('it is applied', () => worker.view().appliedSequence === 3)
    expect(worker.view()).toMatchObject({ status: 'live', decisionNumber: 0, pendingTimers: 1 })
    expect(worker.view().clockMs).toBeLessThan(Date.now() + 60_000)
  })

  test('delays that end while nobody runs are said by the next worker', async () => {
    installation = await openInstallation({ files: delayedBy('300ms') })
    const before = await installation.startLive()
    await installation.cross([1, 2])
    await until('they wait', () => before.worker.view().pendingTimers === 2)
    await installation.stop(before)
    await sleep(400)
    const after = await installation.startLive()
    await until('they are said', () => after.worker.view().acknowledgedDecisionNumber === 2)
    expect(await installation.decisions()).toHaveLength(2)
  })
})

describe('a virtual clock', () => {
  async function crossAt(subscribers: readonly number[], timeMs: number): Promise<void> {
    await installation.usage(subscribers.map((subscriber) => [subscriber, 1024, timeMs]))
  }

  test('follows the ticks of its writer and of nobody else', async () => {
    installation = await openInstallation({ files: delayedBy('2h'), clock: VIRTUAL })
    const { worker } = await installation.startLive()
    await crossAt([1], START_MS)
    const laterMs = START_MS + 3 * 3_600_000
    await tick({ writer: 'somebody', timeMs: laterMs })
    await tick({ timeMs: laterMs })
    await tick()
    await crossAt([2], START_MS)
    await until('all is applied', () => worker.view().appliedSequence === 6)
    expect(worker.view()).toMatchObject({ clockMs: START_MS, decisionNumber: 0, pendingTimers: 2 })
    await sleep(100)
    // The owner's own ticks carry no time: it does not ask where time does not pass.
    expect(await controlCount()).toBe(4)
    await tick({ writer: 'demo', timeMs: laterMs })
    await until('both are said', () => worker.view().acknowledgedDecisionNumber === 2)
    expect(worker.view().clockMs).toBe(laterMs)
    await tick({ writer: 'demo', timeMs: START_MS })
    await until('it is applied', () => worker.view().appliedSequence === 8)
    expect(worker.view().clockMs).toBe(laterMs)
  })

  test('fires at most 10,000 timers per input, and the owner asks for the next slices', async () => {
    installation = await openInstallation({ files: delayedBy('2h'), clock: VIRTUAL })
    const { worker } = await installation.startLive()
    for (const i of range(0, 4)) await crossAt(range(i * 5000 + 1, i * 5000 + 5000), START_MS)
    await crossAt([25_001], START_MS)
    await until('they wait', () => worker.view().pendingTimers === 25_001)
    await tick({ writer: 'demo', timeMs: START_MS + 3 * 3_600_000 })
    await until('all are said', () => worker.view().acknowledgedDecisionNumber === 25_001)
    const perInput = new Map<number, number>()
    for (const decision of await installation.decisions()) {
      perInput.set(decision.in, (perInput.get(decision.in) ?? 0) + 1)
    }
    expect([...perInput.values()]).toEqual([10_000, 10_000, 5001])
    await sleep(100)
    // The mover's, and one of the owner for each further slice.
    expect(await controlCount()).toBe(4)
  })
})
