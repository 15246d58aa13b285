/** Sentences on a policy that is valid but says something that will never hold or matter. */

import { capText } from '../model/cap-text.ts'
import type { Catalog, TriggerSpec } from '../model/catalog.ts'
import { BUILT_IN_CLASSES, type CapSpec, type ClassSpec } from '../model/policy.ts'
import { formatDuration } from '../model/quantity.ts'
import { longestClosingMs } from './build-contact-window.ts'
import { isPointless } from './cap-checks.ts'

/** Names listed in one note at most. */
const NAMES_MAX = 4

/** Notes on the policy of a valid catalog, in a fixed order. */
export function policyNotes(catalog: Catalog): readonly string[] {
  return [
    ...unusedNames(catalog),
    ...openClasses(catalog),
    ...pointlessCaps(catalog),
    ...ties(catalog),
    ...catalog.triggers.flatMap((trigger) => triggerNotes(trigger, catalog)),
  ]
}

function unusedNames(catalog: Catalog): string[] {
  const { policy, triggers } = catalog
  const channels = new Set(triggers.map((trigger) => trigger.channel))
  const classes = new Set(triggers.map((trigger) => trigger.class))
  for (const { name } of BUILT_IN_CLASSES) classes.add(name)
  const unused = (what: string, names: readonly string[]) =>
    names.map((name) => `${what} ${name} is declared, but no trigger uses it`)
  return [
    ...unused(
      'channel',
      namesOf(policy.channels).filter((name) => !channels.has(name)),
    ),
    ...unused(
      'class',
      namesOf(policy.classes).filter((name) => !classes.has(name)),
    ),
  ]
}

/** Built-in classes that leave opt-outs alone do so on purpose; others probably forgot them. */
function openClasses(catalog: Catalog): string[] {
  const built = new Map(BUILT_IN_CLASSES.map((spec) => [spec.name, spec]))
  const isForgotten = ({ name, refusingLists }: ClassSpec) =>
    !refusingLists.includes('optOut') && (built.get(name)?.refusingLists.includes('optOut') ?? true)
  return catalog.policy.classes
    .filter(isForgotten)
    .map(({ name }) => `class ${name} also goes to those who opted out`)
}

/** Caps that a wider scope makes pointless. */
function pointlessCaps(catalog: Catalog): string[] {
  const { policy, triggers } = catalog
  const notes: string[] = []
  const compare = (
    whose: string,
    caps: readonly CapSpec[],
    scope: string,
    wider: readonly CapSpec[],
  ) => {
    for (const cap of caps) {
      const stricter = wider.find((other) => isPointless(cap, other))
      if (stricter === undefined) continue
      const reason = `${scope} allows ${capText(stricter)}`
      notes.push(`${whose}: its cap ${capText(cap)} can never be reached, since ${reason}`)
    }
  }
  const all = 'the cap over all'
  for (const { name, caps } of policy.channels) compare(`channel ${name}`, caps, all, policy.caps)
  for (const { name, caps, sensitiveCaps, isCounted } of policy.classes) {
    compare(`class ${name}, list sensitive`, sensitiveCaps, 'the class', caps)
    if (isCounted) compare(`class ${name}`, caps, all, policy.caps)
  }
  for (const trigger of triggers) {
    if (trigger.isIgnoringCaps) continue
    const whose = `trigger ${trigger.id}`
    const channel = policy.channels.find(({ name }) => name === trigger.channel)
    const messageClass = policy.classes.find(({ name }) => name === trigger.class)
    compare(whose, trigger.caps, `class ${trigger.class}`, messageClass?.caps ?? [])
    if (!trigger.isCounted) continue
    compare(whose, trigger.caps, `channel ${trigger.channel}`, channel?.caps ?? [])
    compare(whose, trigger.caps, all, policy.caps)
  }
  return notes
}

/** Triggers between which only their ids decide. */
function ties(catalog: Catalog): string[] {
  const { arbitration } = catalog.policy
  if (arbitration === null) return []
  const groups = new Map<string, string[]>()
  for (const { id, layer, priority, value, isIgnoringCaps } of catalog.triggers) {
    if (value !== null || isIgnoringCaps) continue
    const key = `layer ${arbitration.layers[layer]} and priority ${priority}`
    groups.set(key, [...(groups.get(key) ?? []), id])
  }
  return [...groups]
    .filter(([, ids]) => ids.length > 1)
    .map(([key, ids]) => `triggers ${listed(ids)} share ${key}, without value: their ids decide`)
}

function triggerNotes(trigger: TriggerSpec, catalog: Catalog): string[] {
  const { policy } = catalog
  const { contactWindow } = trigger
  const notes: string[] = []
  const note = (text: string) => notes.push(`trigger ${trigger.id}: ${text}`)
  if (trigger.value !== null && policy.arbitration === null) {
    note('its value decides nothing without arbitration')
  }
  const capacity = policy.channels.find(({ name }) => name === trigger.channel)?.capacity ?? null
  const isLimited = capacity !== null && (capacity.perHour !== null || capacity.perDay !== null)
  if (trigger.overCapacity === 'drop' && !isLimited) {
    note(`overCapacity never matters: channel ${trigger.channel} has no limit per hour or day`)
  }
  if (contactWindow?.outside === 'defer') {
    const closedMs = longestClosingMs(contactWindow)
    if (closedMs > contactWindow.expiresMs) {
      const times = `closed for ${formatDuration(closedMs)}, and deliveries expire after ${formatDuration(contactWindow.expiresMs)}`
      note(`its contact window can be ${times}`)
    }
  }
  return notes
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_MAX)
  const more = names.length - shown.length
  return more > 0
    ? `${shown.join(', ')} and ${more} more`
    : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

function namesOf(items: readonly { readonly name: string }[]): string[] {
  return items.map(({ name }) => name)
}
