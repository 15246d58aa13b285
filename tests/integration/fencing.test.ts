import { encode } from '@msgpack/msgpack'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Ambiguity, ambiguousOutput, Gate, gatedOutput } from '../support/port-wrappers.ts'
import { type Installation, openInstallation, range, until } from '../support/worker-harness.ts'

let installation: Installation

beforeEach(async () => {
  installation = await openInstallation()
})

afterEach(async () => {
  await installation.close()
})

describe('two owners', () => {
  test('the replaced one stops with its next decision, and each decision stands once in OUT', async () => {
    const first = await installation.startLive({ name: 'first' })
    await installation.cross(range(1, 20))
    await until('the first said it', () => first.worker.view().acknowledgedDecisionNumber === 20)
    const second = await installation.startLive({ name: 'second' })
    expect(first.worker.status).toBe('live')
    await installation.cross(range(21, 40))
    await first.done
    expect(first.worker.status).toBe('halted')
    expect(first.worker.halt?.code).toBe('HW_OUTPUT_FENCED')
    await until('the second said it', () => second.worker.view().acknowledgedDecisionNumber === 40)
    const decisions = await installation.decisions()
    expect(decisions.map(({ sub }) => sub)).toEqual(range(1, 40))
    const claims = (await installation.readOut()).filter(({ kind }) => kind === 'claim')
    expect(claims).toHaveLength(2)
  })

  test('a writer paused in the middle of a publish stays fenced when it wakes', async () => {
    const gate = new Gate()
    const zombie = await installation.startLive({
      name: 'zombie',
      wrap: (ports) => ({ ...ports, output: gatedOutput(ports.output, gate) }),
    })
    await installation.cross(range(1, 5))
    await until('it said five', () => zombie.worker.view().acknowledgedDecisionNumber === 5)
    gate.close()
    await installation.cross(range(6, 10))
    await until('a publish waits', () => gate.waitingCount === 1)
    const heir = await installation.startLive({ name: 'heir' })
    await until('the heir said ten', () => heir.worker.view().acknowledgedDecisionNumber === 10)
    gate.open()
    await zombie.done
    expect(zombie.worker.halt?.code).toBe('HW_OUTPUT_FENCED')
    await installation.cross(range(11, 15))
    await until('the heir goes on', () => heir.worker.view().acknowledgedDecisionNumber === 15)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 15))
  })

  test('a writer paused before its first message after the claim of another is fenced as well', async () => {
    const gate = new Gate()
    const heirGate = new Gate()
    heirGate.close()
    const zombie = await installation.startLive({
      name: 'zombie',
      wrap: (ports) => ({ ...ports, output: gatedOutput(ports.output, gate) }),
    })
    gate.close()
    await installation.cross([1])
    await until('a publish waits', () => gate.waitingCount === 1)
    // The heir claims and says nothing yet: the claim alone must fence.
    const heir = await installation.startLive({
      name: 'heir',
      wrap: (ports) => ({ ...ports, output: gatedOutput(ports.output, heirGate) }),
    })
    gate.open()
    await zombie.done
    expect(zombie.worker.halt?.code).toBe('HW_OUTPUT_FENCED')
    heirGate.open()
    await until('the heir says it', () => heir.worker.view().acknowledgedDecisionNumber === 1)
    expect(await installation.decisions()).toHaveLength(1)
  })
})

describe('an answer that leaves a publish open', () => {
  async function runWith(plan: readonly Ambiguity[]): Promise<void> {
    const ambiguities = [...plan]
    const { worker } = await installation.startLive({
      wrap: (ports) => ({
        ...ports,
        output: ambiguousOutput(ports.output, () => ambiguities.shift() ?? 'none'),
      }),
    })
    for (let round = 0; round < plan.length + 1; round++) {
      await installation.cross(range(round * 10 + 1, round * 10 + 10))
      const last = round * 10 + 10
      await until(`${last} are said`, () => worker.view().acknowledgedDecisionNumber === last)
    }
    expect(worker.status).toBe('live')
    expect(ambiguities).toEqual([])
    const decisions = await installation.decisions()
    expect(decisions.map(({ sub }) => sub)).toEqual(range(1, (plan.length + 1) * 10))
    const messages = (await installation.readOut()).filter(({ kind }) => kind === 'decisions')
    expect(messages.at(-1)?.digest).toBe(worker.machine?.outbox.digest.text())
  }

  test('and the message was stored: it is not sent again', async () => {
    await runWith(['stored-unknown', 'none', 'stored-unknown'])
  })

  test('and the message was lost: the same one is sent again', async () => {
    await runWith(['lost-unknown', 'lost-unknown', 'none'])
  })

  test('first lost, then stored: still one copy', async () => {
    await runWith(['lost-unknown', 'stored-unknown'])
  })

  test('a foreign message in the tail fences, even if the own one was stored before it', async () => {
    const { connection } = installation
    let isArmed = false
    const { worker, done } = await installation.startLive({
      wrap: ({ output, ...ports }) => ({
        ...ports,
        output: ambiguousOutput(output, () => (isArmed ? 'stored-unknown' : 'none')),
      }),
    })
    expect(await installation.readOut()).toHaveLength(1)
    isArmed = true
    // What a replaced owner would find: somebody else's decisions right behind the claim.
    const envelope = {
      v: 1,
      kind: 'decisions',
      epoch: 999,
      first: 1,
      last: 1,
      digest: '0',
      decisions: [],
    }
    connection.publish('out.0', encode(envelope))
    await connection.flush()
    await installation.cross([1])
    await done
    expect(worker.halt?.code).toBe('HW_OUTPUT_FENCED')
    expect(await installation.readOut()).toHaveLength(2)
  })
})
