import { describe, expect, it } from 'vitest'
import { ANN, BOB, CAT, ScenarioScript } from '../support/scenario-script.ts'

/*
 * Ann: Android, likes football, local. Bob: iPhone. Cat: a plain phone. Counts, not bytes.
 */

const open = (): Promise<ScenarioScript> =>
  ScenarioScript.open('S8-app-behaviour', '2026-11-02 08:00')

const install = { kind: 'install' } as const

describe('S8: what apps are for', () => {
  it('no microblog after ten records: recommended; fifteen logins: video sharing', async () => {
    const script = await open()
    for (let i = 10; i < 20; i++) script.usage(BOB, `2026-11-02 10:${i}`, 1000)
    script.reply(BOB, '2026-11-02 11:00', 'GET')
    script.usage(BOB, '2026-11-02 12:00', 0, { ...install, app: 'sweibo' })
    for (let i = 10; i < 25; i++) {
      script.usage(BOB, `2026-11-03 10:${i}`, 0, { kind: 'login', app: 'sweibo' })
    }
    expect(script.lines).toEqual([
      '11-02 10:19 BOB microblog-install sms',
      '11-02 11:00 BOB microblog-install replied GET',
      '11-02 11:00 BOB microblog-install ordered GET',
      '11-03 10:24 BOB microblog-video app-push',
    ])
  })

  it('few logins of the month: content, on the 25th', async () => {
    const script = await open()
    for (const who of [ANN, BOB])
      script.usage(who, '2026-11-02 10:00', 0, { ...install, app: 'tweibo' })
    for (let i = 10; i < 14; i++)
      script.usage(ANN, `2026-11-03 10:${i}`, 0, { kind: 'login', app: 'tweibo' })
    for (let i = 10; i < 15; i++)
      script.usage(BOB, `2026-11-03 11:${i}`, 0, { kind: 'login', app: 'tweibo' })
    script.until('2026-11-26 00:00')
    expect(script.lines).toEqual(['11-25 09:00 ANN microblog-content app-push'])
    expect(script.why(BOB, 'microblog-content').stops).toEqual(['condition: tags.few_logins'])
  })

  it('different apps count once: the first, and the twentieth', async () => {
    const script = await open()
    const apps = Array.from({ length: 20 }, (_, i) => `app_${String(i + 1).padStart(2, '0')}`)
    for (const app of apps.slice(0, 19))
      script.usage(BOB, '2026-11-02 10:00', 0, { ...install, app })
    for (const app of apps.slice(0, 19))
      script.usage(BOB, '2026-11-03 10:00', 0, { ...install, app })
    script.usage(BOB, '2026-11-04 10:00', 0, { ...install, app: apps[19]! })
    script.until('2026-11-05 00:00')
    expect(script.lines).toEqual([
      '11-02 10:00 BOB apps-useful app-push',
      '11-04 10:00 BOB apps-newest app-push',
    ])
  })

  it('why not: a plain phone; not local; one push a day', async () => {
    const script = await open()
    for (let i = 10; i < 40; i++) script.usage(CAT, `2026-11-02 10:${i}`, 1000)
    script.profile(ANN, { tags: { local: false } })
    for (let i = 10; i < 15; i++) script.usage(ANN, `2026-11-02 11:${i}`, 1000)
    script.usage(ANN, '2026-11-02 12:00', 0, { ...install, app: 'app_01' })
    for (let i = 10; i < 25; i++)
      script.usage(ANN, `2026-11-02 13:${i}`, 0, { kind: 'login', app: 'tweibo' })
    script.usage(ANN, '2026-11-02 14:00', 0, { ...install, app: 'tweibo' })
    expect(script.lines).toEqual([
      '11-02 10:19 CAT microblog-install: not-in-audience',
      '11-02 10:29 CAT app-tutorial-android: not-in-audience',
      '11-02 10:29 CAT app-tutorial-iphone: not-in-audience',
      '11-02 11:14 ANN apps-football: not-in-audience',
      '11-02 12:00 ANN apps-useful app-push',
      '11-02 14:00 ANN microblog-video: cap-channel (channel app-push: 1 per day)',
    ])
    expect(script.why(CAT, 'microblog-install').summary).toEqual(
      'no: refused at 2026-11-02T02:19:00.000Z: not-in-audience',
    )
    expect(script.why(ANN, 'apps-football').summary).toEqual(
      'no: refused at 2026-11-02T03:14:00.000Z: not-in-audience',
    )
    expect(script.why(ANN, 'microblog-video').summary).toEqual(
      'no: refused at 2026-11-02T06:00:00.000Z: cap-channel (channel app-push: 1 per day)',
    )
  })

  it('a new terminal reports itself, and decides from then on', async () => {
    const script = await open()
    script.usage(BOB, '2026-11-02 10:00', 0, { kind: 'device' })
    script.usage(CAT, '2026-11-02 23:00', 0, { kind: 'device' })
    expect(script.until('2026-11-03 12:00')).toEqual([])
    expect(script.lines).toEqual([
      '11-02 10:00 BOB new-device sms',
      '11-02 23:00 CAT new-device: not-in-audience',
    ])
  })
})
