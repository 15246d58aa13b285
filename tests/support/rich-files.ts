/**
 * Configurations that touch every part of a row: all aggregates, all windows, latches of every
 * unit.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'

const HEAD = `
apps: { qzone: 1, wechat: 2, tweibo: 3, sweibo: 4 }
appGroups: { blogs: [tweibo, sweibo] }
places: { hall: { cells: [1 to 9] } }
lateness: 24h
tags: { seed: { versioned: true }, has_pack: {} }
fields:
  plan: { type: enum, words: [small, large] }
  fee: { type: number }
`

const DELIVER = `
deliver:
  channel: sms
  at: now
  contactWindow: { from: '09:00', to: '21:00', outside: defer, spread: 2h, expires: 24h }
message: Hello
`

/** The first generation. */
export const RICH_FILES: ConfigFiles = {
  'counters.yaml': `${HEAD}
counters:
  data: { sum: bytes, where: 'kind == data', per: [hour, day, month, last 168 hours], keep: 1 }
  records: { count: records, per: [week, cycle, lifetime, last 7 days] }
  peak: { max: bytes, per: [day, last 3 days] }
  seen: { last: time, where: 'app == qzone', per: [month, lifetime] }
  days: { distinct: days, per: [week, month, cycle, lifetime, last 14 days] }
  used: { distinct: apps, among: [qzone, wechat], where: 'weekday != sun', per: [day, month, lifetime], keep: 1 }
  stay: { dwell: time, where: 'place == hall || hour < 12', gap: 2h, per: [hour, day, last 3 days], keep: 1 }
  taste: { interest: records, where: app in blogs, halfLife: 2d, start: fields.fee, per: [lifetime], feedback: [{ trigger: day, delivered: -1 }] }
`,
  'triggers/day.yaml': `
trigger: day
when: data.day >= 500 * KiB && tags.seed
once: day
late: fire
cap: [2 per week, 3 per month]${DELIVER}`,
  'triggers/hour.yaml': `
trigger: hour
when: data.hour >= 300 * kB
once: hour
cap: 1 per day${DELIVER}`,
  'triggers/days.yaml': `
trigger: days
when: days.month >= 3 && !tags.has_pack
once: month
cancelWhen: tags.has_pack
deliver:
  channel: sms
  at: next day 12:00
  contactWindow: { from: '09:00', to: '21:00', outside: drop }
retry: true
message: Hello again`,
  'triggers/much.yaml': `
trigger: much
when: data.last_168_hours >= 2 * MB && data.month > previous(data.month)
once: week
oncePerTag: seed
priority: 7${DELIVER}`,
  'triggers/blogs.yaml': `
trigger: blogs
when: taste.lifetime >= 2 && (used.month > 1 || stay.last_3_days > 600000)
once: day${DELIVER}`,
  'triggers/first.yaml': `
trigger: first
when: records.lifetime >= 5
once: ever${DELIVER}`,
}

/** The second: one counter more, one removed, one remembering more, a trigger edited, one added. */
export const RICHER_FILES: ConfigFiles = {
  ...RICH_FILES,
  'counters.yaml': `${HEAD}
counters:
  data: { sum: bytes, where: 'kind == data', per: [hour, day, month, last 168 hours], keep: 3 }
  records: { count: records, per: [week, cycle, lifetime, last 7 days] }
  night: { sum: bytes, where: 'rat == eutran', per: [day, last 5 days, lifetime], keep: 2 }
  seen: { last: time, where: 'app == qzone', per: [month, lifetime] }
  days: { distinct: days, per: [week, month, cycle, lifetime, last 14 days] }
  used: { distinct: apps, among: [qzone, wechat, tweibo], where: 'weekday != sun', per: [day, month, lifetime], keep: 2 }
  stay: { dwell: time, where: 'place == hall || hour < 12', gap: 2h, per: [hour, day, last 3 days, week], keep: 1 }
  taste: { interest: records, where: app in blogs, halfLife: 1d, start: fields.fee, per: [lifetime] }
`,
  'triggers/day.yaml': RICH_FILES['triggers/day.yaml']!.replace('500 * KiB', '400 * KiB'),
  'triggers/night.yaml': `
trigger: night
when: night.day >= 100 * kB && night.day >= previous(night.day)
once: day
reload: fire-existing
cap: 1 per day${DELIVER}`,
}
