import { writeFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RunningWorker } from '../../src/commands/serve.ts'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import { encodeConfig } from '../../src/probe/encode.ts'
import {
  type Installation,
  LINE_FILES,
  openInstallation,
  until,
  writeFiles,
} from '../support/worker-harness.ts'

let installation: Installation

beforeEach(async () => {
  installation = await openInstallation({ partitionCount: 2 })
})

afterEach(async () => {
  await installation.close()
})

/** LINE_FILES with another message, and perhaps another line. */
function filesSaying(message: string, line = '1 * KiB'): ConfigFiles {
  const text = LINE_FILES['triggers/line.yaml']!
  return {
    ...LINE_FILES,
    'triggers/line.yaml': text.replace('Hello', message).replace('1 * KiB', line),
  }
}

const TWO = { partitions: { count: 2 } }

async function post(running: RunningWorker): Promise<{ status: number; body: ReloadBody }> {
  const answer = await fetch(`${running.address.url}/-/reload`, { method: 'POST' })
  return { status: answer.status, body: (await answer.json()) as ReloadBody }
}

interface ReloadBody {
  readonly outcome?: string
  readonly generation?: number
  readonly notes?: readonly string[]
  readonly error?: { readonly code: string; readonly problems?: readonly string[] }
}

function generationsOf(running: RunningWorker): number[] {
  return running.supervisor.partitions().map(({ configGeneration }) => configGeneration)
}

function filesOf(running: RunningWorker, partition: number): ConfigFiles | undefined {
  return running.supervisor.worker(partition)?.machine?.core?.files
}

async function untilSaid(running: RunningWorker, partition: number, number: number): Promise<void> {
  await until(`partition ${partition} has said ${number}`, () => {
    const view = running.supervisor.partitions()[partition]
    return view?.acknowledgedDecisionNumber === number
  })
}

async function start(directory: string, isWatching = false): Promise<RunningWorker> {
  const running = await installation.serve(directory, isWatching)
  await running.supervisor.untilLive()
  return running
}

describe('a reload over HTTP', () => {
  test('puts the same text in force everywhere under one generation, and counters keep their values', async () => {
    const directory = await installation.writeConfig('worker', LINE_FILES, TWO)
    const running = await start(directory)
    const half = (subscriber: number) => [[subscriber, 512, Date.now()] as const]
    await installation.usage(half(2), {}, 0)
    await installation.usage(half(3), {}, 1)
    await installation.cross([4], 0)
    await untilSaid(running, 0, 1)
    await writeFiles(directory, filesSaying('Goodbye'))
    const { status, body } = await post(running)
    expect([status, body.outcome, body.generation]).toEqual([200, 'applied', 2])
    expect(generationsOf(running)).toEqual([2, 2])
    expect(filesOf(running, 0)).toEqual(filesSaying('Goodbye'))
    expect(filesOf(running, 1)).toEqual(filesSaying('Goodbye'))
    await installation.usage(half(2), {}, 0)
    await installation.usage(half(3), {}, 1)
    await untilSaid(running, 0, 2)
    await untilSaid(running, 1, 1)
    const said = await installation.decisions(0)
    expect(said.map(({ sub, gen }) => [sub, gen])).toEqual([
      [4, 1],
      [2, 2],
    ])
    expect(said[1]).toMatchObject({ message: 'Goodbye', values: { 'data.lifetime': 1024 } })
    expect((await installation.decisions(1)).map(({ sub, gen }) => [sub, gen])).toEqual([[3, 2]])
    expect(await post(running)).toMatchObject({ status: 200, body: { outcome: 'unchanged' } })
    expect(generationsOf(running)).toEqual([2, 2])
  })

  test('with mistakes answers all of them with their places, and the old config goes on', async () => {
    const directory = await installation.writeConfig('worker', LINE_FILES, TWO)
    const running = await start(directory)
    await writeFiles(directory, {
      'counters.yaml':
        'counters:\n  data: { sum: bytes, per: [lifetime] }\n  more: { summ: bytes }\n',
      'triggers/line.yaml': LINE_FILES['triggers/line.yaml']!.replace(
        'data.lifetime',
        'date.lifetime',
      ),
    })
    const { status, body } = await post(running)
    expect(status).toBe(422)
    expect(body.error?.code).toBe('HW_CONFIG_INVALID')
    const problems = body.error?.problems?.join('\n') ?? ''
    expect(problems).toMatch(/counters\.yaml:3:\d+ /)
    expect(problems).toMatch(/triggers\/line\.yaml:2:\d+ /)
    expect(running.supervisor.reloadStatus().isLastSuccessful).toBe(false)
    const metrics = await (await fetch(`${running.address.url}/metrics`)).text()
    expect(metrics).toMatch(/config_last_reload_successful[^\n]* 0\n/)
    expect(generationsOf(running)).toEqual([1, 1])
    await installation.cross([2], 0)
    await untilSaid(running, 0, 1)
    expect((await installation.decisions(0))[0]).toMatchObject({ gen: 1 })
    const manager = await installation.manager()
    expect((await manager.streams.info('IN_1')).state.last_seq).toBe(1)
    await writeFiles(directory, filesSaying('Mended'))
    expect((await post(running)).status).toBe(200)
    expect(running.supervisor.reloadStatus().isLastSuccessful).toBe(true)
    expect(generationsOf(running)).toEqual([2, 2])
  })

  test('that would move the words of an enum is refused whole', async () => {
    const fields = (words: string) => ({
      'fields.yaml': `fields:\n  plan: { type: enum, words: [${words}] }\n`,
    })
    const directory = await installation.writeConfig(
      'worker',
      { ...LINE_FILES, ...fields('a, b') },
      TWO,
    )
    const running = await start(directory)
    await writeFiles(directory, fields('b, a'))
    const { status, body } = await post(running)
    expect(status).toBe(422)
    expect(body.error?.problems?.join()).toContain('plan')
    await writeFiles(directory, fields('a, b, c'))
    expect((await post(running)).body).toMatchObject({ outcome: 'applied', generation: 2 })
  })

  test('that no row could hold is refused at once and never enters the log', async () => {
    const daily = LINE_FILES['triggers/line.yaml']!.replace('once: ever', 'once: day')
    const directory = await installation.writeConfig(
      'worker',
      { ...LINE_FILES, 'triggers/line.yaml': daily },
      TWO,
    )
    const running = await start(directory)
    const before = running.supervisor.partitions().map(({ appliedSequence }) => appliedSequence)
    await writeFiles(directory, { 'lateness.yaml': 'lateness: 120h\n' })
    const { status, body } = await post(running)
    expect(status).toBe(422)
    expect(body.error?.problems?.join()).toMatch(/lateness/)
    const after = running.supervisor.partitions().map(({ appliedSequence }) => appliedSequence)
    expect(after).toEqual(before)
    expect(generationsOf(running)).toEqual([1, 1])
  })

  test('does not fire for those who are above the new line already', async () => {
    const directory = await installation.writeConfig('worker', LINE_FILES, TWO)
    const running = await start(directory)
    await installation.usage([[2, 600, Date.now()]], {}, 0)
    await until('applied', () => running.supervisor.partitions()[0]?.appliedSequence === 2)
    await writeFiles(directory, filesSaying('Lower', '500'))
    expect((await post(running)).status).toBe(200)
    await installation.usage(
      [
        [2, 1, Date.now()],
        [4, 500, Date.now()],
      ],
      {},
      0,
    )
    await untilSaid(running, 0, 1)
    expect((await installation.decisions(0)).map(({ sub }) => sub)).toEqual([4])
  })

  test('asked for while another runs reads the directory again', async () => {
    const directory = await installation.writeConfig('worker', LINE_FILES, TWO)
    const { supervisor } = await start(directory)
    await writeFiles(directory, filesSaying('First'))
    const first = supervisor.reload('first')
    // In one turn with the news from partition 0, while partition 1 still waits for its copy.
    while (supervisor.partitions()[0]?.configGeneration !== 2) await setImmediate()
    writeFileSync(
      join(directory, 'triggers/line.yaml'),
      filesSaying('Second')['triggers/line.yaml']!,
    )
    const second = supervisor.reload('second')
    const third = supervisor.reload('third')
    expect(await first).toMatchObject({ kind: 'applied', generation: 2 })
    expect(await second).toMatchObject({ kind: 'applied', generation: 3 })
    expect(await third).toMatchObject({ generation: 3 })
    expect(supervisor.worker(1)?.machine?.core?.files).toEqual(filesSaying('Second'))
  })

  test('of two at once, one generation goes to one text and the other is refused', async () => {
    const directory = await installation.writeConfig('worker', LINE_FILES, TWO)
    const running = await start(directory)
    const rival = encodeConfig({ id: 'rival', generation: 2, files: filesSaying('Rival') })
    const late = encodeConfig({ id: 'late', generation: 2, files: filesSaying('Late') })
    await installation.send('control.0', rival)
    await installation.send('control.0', late)
    await until('one is in force', () => generationsOf(running)[0] === 2)
    expect(filesOf(running, 0)).toEqual(filesSaying('Rival'))
    await until('the other is refused', async () => (await installation.rejects()).length === 1)
    expect((await installation.rejects())[0]).toMatchObject({ reason: 'stale-generation', in: 3 })
    await writeFiles(directory, filesSaying('Mine'))
    expect((await post(running)).body).toMatchObject({ outcome: 'applied', generation: 3 })
    // Partition 1 missed a generation, and is brought to the one in force.
    expect(generationsOf(running)).toEqual([3, 3])
    expect(filesOf(running, 1)).toEqual(filesSaying('Mine'))
  })
})

describe('a directory that is watched', () => {
  test('is loaded again when a file changes, and only then', async () => {
    const directory = await installation.writeConfig('worker', LINE_FILES, TWO)
    const running = await start(directory, true)
    await writeFile(join(directory, 'notes.txt'), 'not a config')
    await writeFiles(directory, filesSaying('Changed'))
    await until('it is in force', () =>
      generationsOf(running).every((generation) => generation === 2),
    )
    await writeFiles(directory, { 'triggers/line.yaml': 'trigger: [' })
    await until('it failed', () => !running.supervisor.reloadStatus().isLastSuccessful)
    expect(generationsOf(running)).toEqual([2, 2])
    await rm(join(directory, 'triggers/line.yaml'))
    await until('it is in force', () =>
      generationsOf(running).every((generation) => generation === 3),
    )
    expect(running.supervisor.triggers()).toEqual([])
  })

  test('that changed while nobody ran is brought into force at the start', async () => {
    const directory = await installation.writeConfig('worker', LINE_FILES, TWO)
    const before = await start(directory)
    await installation.cross([2], 0)
    await untilSaid(before, 0, 1)
    await before.stop()
    await writeFiles(directory, filesSaying('Meanwhile'))
    const after = await start(directory, true)
    await until('it is in force', () =>
      generationsOf(after).every((generation) => generation === 2),
    )
    await installation.cross([4], 0)
    await untilSaid(after, 0, 2)
    expect((await installation.decisions(0)).map(({ gen }) => gen)).toEqual([1, 2])
  })
})

describe('a worker that dies after a reload', () => {
  test.each(['before', 'after', 'without'] as const)(
    'is replayed with the right config at the right place (checkpoint %s the reload)',
    async (checkpoint) => {
      const first = await installation.startLive()
      const { worker } = first
      const send = async (generation: number, message: string, line?: string) =>
        installation.send(
          'control.0',
          encodeConfig({ id: message, generation, files: filesSaying(message, line) }),
        )
      await installation.cross([2])
      if (checkpoint === 'before') {
        await until('said', () => worker.view().acknowledgedDecisionNumber === 1)
        await worker.checkpoint()
      }
      await send(2, 'Second', '2 * KiB')
      if (checkpoint === 'after') {
        await until('in force', () => worker.view().configGeneration === 2)
        await worker.checkpoint()
      }
      await installation.cross([4])
      await installation.cross([4, 6])
      await send(3, 'Third', '512')
      await installation.usage([[8, 512, Date.now()]])
      await until('said', () => worker.view().acknowledgedDecisionNumber === 3)
      const before = await installation.decisions()
      await first.crash()
      const after = await installation.startLive()
      expect(after.worker.view()).toMatchObject({ configGeneration: 3, decisionNumber: 3 })
      await installation.usage([[10, 512, Date.now()]])
      await until('said', () => after.worker.view().acknowledgedDecisionNumber === 4)
      const decisions = await installation.decisions()
      expect(decisions.slice(0, 3)).toEqual(before)
      expect(decisions.map(({ sub, gen }) => [sub, gen])).toEqual([
        [2, 1],
        [4, 2],
        [8, 3],
        [10, 3],
      ])
    },
  )
})
