import { pino } from 'pino'
import { expect, test } from 'vitest'
import { ChannelAlarms } from '../../../src/commands/channel-alarms.ts'
import { createFakeWorker } from '../../support/worker-view.ts'

test('each change of a channel’s alarm is one line, whichever partition has it', () => {
  const lines: string[] = []
  const stream = {
    write: (line: string) => {
      const { channel, period, msg } = JSON.parse(line) as Record<string, string>
      lines.push(`${channel} ${period}: ${msg}`)
    },
  }
  const alarms = new ChannelAlarms(pino({}, stream))
  const { partitions } = createFakeWorker(2)
  const set = (partition: number, alarm: 0 | 1 | 2) => {
    const rest = { limit: 10, used: 1, held: 10, alarm }
    const periods = [
      { period: 'second', ...rest, alarm: 2 } as const,
      { period: 'day', ...rest } as const,
    ]
    partitions[partition]!.channels = [{ channel: 'sms', waiting: 0, periods }]
    alarms.look(partitions)
  }
  set(0, 0)
  set(1, 0)
  set(1, 1)
  set(1, 1)
  set(0, 2)
  set(1, 0)
  set(0, 0)
  expect(lines).toEqual([
    'sms day: channel is near its limit',
    'sms day: channel has reached its limit',
    'sms day: channel has room again',
  ])
})
