/** The whole loop on real parts: usage, engine, gateway, SMSC, a customer's reply, engine. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { startGateway } from '../../../src/commands/gateway.ts'
import { parseSettings } from '../../../src/config/settings.ts'
import { Smsc } from '../../support/smsc.ts'
import { LINE_FILES, openInstallation, until } from '../../support/worker-harness.ts'

const FILES = {
  ...LINE_FILES,
  'outcomes.yaml': 'outcomes: all\n',
  'triggers/line.yaml': `${LINE_FILES['triggers/line.yaml']}replies: { VIP: order, TD: opt-out }\n`,
}

test('a reply to what the gateway sent becomes an order of the trigger that sent it', async () => {
  const installation = await openInstallation({ files: FILES })
  const smsc = await Smsc.open()
  try {
    const passwordFile = join(installation.directory, 'password')
    await writeFile(passwordFile, 'secret', { mode: 0o600 })
    const channel = `{ kind: smpp, url: '${smsc.url}', systemId: a, from: '10086', passwordFile: '${passwordFile}' }`
    const settings = parseSettings(
      'highwater.yaml',
      `nats: { servers: ['${installation.server.url}'] }\ngateway: { port: 0, channels: { sms: ${channel} } }\n`,
    )
    smsc.receiptOf = () => ({ state: 'DELIVRD', afterMs: 1 })
    await installation.startLive()
    const options = { config: '', channels: null, partitions: null }
    const gateway = await startGateway(settings, options, pino({ level: 'silent' }))
    installation.onClose(() => gateway.stop())
    await installation.cross([21, 22])
    await until('both are taken over', () => smsc.taken.length === 2)
    const whatOf = async (subscriber: number): Promise<unknown[]> => {
      const decisions = await installation.decisions()
      return decisions.flatMap((decision) => {
        return decision.sub === subscriber && 'what' in decision ? [decision.what] : []
      })
    }
    await until('receipts are in', async () => (await whatOf(21)).includes('delivered'))
    expect(await smsc.reply('21', '10086', ' vip ')).toBe(0)
    expect(await smsc.reply('22', '10086', 'td')).toBe(0)
    await until('the order is said', async () => (await whatOf(21)).includes('ordered'))
    await until('the opt-out is said', async () => (await whatOf(22)).includes('opted-out'))
    expect(await whatOf(21)).toEqual(['sent', 'delivered', 'replied', 'ordered'])
    expect(await installation.rejects()).toEqual([])
  } finally {
    await installation.close()
    await smsc.close()
  }
}, 60_000)
