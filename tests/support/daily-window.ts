/** Between a contact window by days, as the engine has it, and one that is the same every day. */

import { type ContactWindowSpec, everyDay } from '../../src/model/policy.ts'
import type { DailyWindow } from './naive/input.ts'

/** The window with the same opening on every day. */
export function windowOf(daily: DailyWindow): ContactWindowSpec {
  const { fromMinute, toMinute, ...rest } = daily
  return { ...rest, openings: everyDay({ fromMinute, toMinute }), holidays: new Set() }
}

/** What the window says of a day, when it says the same of all; throws otherwise. */
export function dailyWindowOf(spec: ContactWindowSpec): DailyWindow {
  const { openings, holidays, ...rest } = spec
  const texts = new Set(openings.map((opening) => JSON.stringify(opening)))
  const first = openings[0]
  if (texts.size !== 1 || !first || holidays.size > 0) throw new Error('not every day is alike')
  return { ...rest, ...first }
}
