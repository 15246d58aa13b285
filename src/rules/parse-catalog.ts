/**
 * The texts of one configuration to a catalog. Pure: the texts travel in the log, and every
 * partition that reads them comes to the same catalog or to the same problems.
 */

import { isMap, isScalar, type Node } from 'yaml'
import { ConfigInvalidError, type ConfigProblem } from '../errors.ts'
import {
  type Catalog,
  type ConfigFiles,
  type CounterSpec,
  type FieldSpec,
  isSameText,
  type TagSpec,
  type TriggerSpec,
} from '../model/catalog.ts'
import { stepTriggerId } from '../model/journey.ts'
import {
  buildCounter,
  buildField,
  checkFeedbackTriggers,
  checkWhereCount,
} from './build-counters.ts'
import { buildGroups, buildPlaces, type DictionaryReading } from './build-dictionaries.ts'
import { buildRegion } from './build-loop.ts'
import { buildJourneys } from './build-journeys.ts'
import { findLanguage } from './build-message.ts'
import { buildPolicy, type PolicyTable } from './build-policy.ts'
import { buildReporting, type ReportingNames } from './build-reporting.ts'
import { buildSegments, segmentNames, tagsOfSegments } from './build-segments.ts'
import { buildTrigger } from './build-trigger.ts'
import { checkComparisons, type PlacedComparison } from './build-verdict.ts'
import {
  type CatalogFileReading,
  catalogFile,
  EARLINESS_DEFAULT_MS,
  LATENESS_DEFAULT_MS,
} from './catalog-grammar.ts'
import { catalogNotes } from './catalog-notes.ts'
import type { PlaceReading } from './counter-shapes.ts'
import { type JourneyReading, journeyFile } from './journey-grammar.ts'
import type { NameTable } from './names.ts'
import { policyNotes } from './policy-notes.ts'
import { reportingNotes } from './reporting-notes.ts'
import type { Located } from './shape.ts'
import { checkTagCycles } from './tag-cycles.ts'
import type { TriggerContext } from './trigger-context.ts'
import { type TriggerReading, TRIGGERS_MAX, triggerFile } from './trigger-grammar.ts'
import { PROBLEMS_MAX, YamlSource } from './yaml-source.ts'

/**
 * Files of a configuration, and bytes of one file and of all: they travel in one message of the
 * log.
 */
export const CONFIG_FILES_MAX = 1000
export const CONFIG_FILE_SIZE_MAX = 256 * 1024
export const CONFIG_TOTAL_SIZE_MAX = 900_000

/** A catalog, and sentences on what is allowed but worth a look. */
export interface ParsedCatalog {
  readonly catalog: Catalog
  readonly notes: readonly string[]
}

/**
 * Reads every file and reports all problems of all files at once.
 *
 * @throws ConfigInvalidError with at least one problem, sorted by file, line and column.
 */
export function parseCatalog(files: ConfigFiles): ParsedCatalog {
  if (lastParsed !== null && isSameText(files, lastParsed.files)) return lastParsed.parsed
  const parsed = parse(files)
  lastParsed = { files: { ...files }, parsed }
  return parsed
}

/**
 * What was parsed last without a problem. A reload asks before its texts enter the log, and each
 * partition once more between two inputs, which wait meanwhile: 0.1 to 0.5 ms per trigger.
 */
let lastParsed: { readonly files: ConfigFiles; readonly parsed: ParsedCatalog } | null = null

function parse(files: ConfigFiles): ParsedCatalog {
  const problems: ConfigProblem[] = []
  const read = readFiles(files, problems)
  const notes: string[] = []
  const result = buildCatalog(read, notes)
  if (problems.length > 0) throw new ConfigInvalidError(sortProblems(problems))
  return {
    catalog: result,
    notes: [...notes, ...catalogNotes(result), ...policyNotes(result), ...reportingNotes(result)],
  }
}

interface Reading<T> {
  readonly source: YamlSource
  readonly reading: T
}

interface ReadFiles {
  readonly declarations: readonly Reading<CatalogFileReading>[]
  readonly triggers: readonly Reading<TriggerReading>[]
  readonly journeys: readonly Reading<JourneyReading>[]
  /** False when a file could not be read at all, so that names may be missing. */
  readonly isComplete: boolean
}

function readFiles(files: ConfigFiles, problems: ConfigProblem[]): ReadFiles {
  const declarations: Reading<CatalogFileReading>[] = []
  const triggers: Reading<TriggerReading>[] = []
  const journeys: Reading<JourneyReading>[] = []
  let isComplete = true
  for (const [path, text] of checkedFiles(files, problems)) {
    const source = new YamlSource(path, text, problems)
    const documents = source.parse()
    if (documents === null) {
      isComplete = false
      continue
    }
    for (const document of documents) {
      if (isJourneyDocument(document)) {
        const reading = journeyFile.read(document, source)
        if (reading !== undefined) journeys.push({ source, reading })
        continue
      }
      if (isTriggerDocument(document)) {
        const reading = triggerFile.read(document, source)
        if (reading !== undefined) triggers.push({ source, reading })
        continue
      }
      const reading = catalogFile.read(document, source)
      if (reading === undefined) isComplete = false
      else declarations.push({ source, reading })
    }
  }
  return { declarations, triggers, journeys, isComplete }
}

/** The files in order of path, without those that are too large; sizes in UTF-8 bytes. */
function checkedFiles(files: ConfigFiles, problems: ConfigProblem[]): [string, string][] {
  const entries = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))
  const refuse = (file: string, message: string) =>
    problems.push({ file, line: 1, column: 1, code: 'too-large', message })
  if (entries.length > CONFIG_FILES_MAX) {
    refuse('.', `${entries.length} files; at most ${CONFIG_FILES_MAX}`)
    return []
  }
  let totalSize = 0
  const checked: [string, string][] = []
  for (const [path, text] of entries) {
    const size = new TextEncoder().encode(text).length
    totalSize += size
    if (size <= CONFIG_FILE_SIZE_MAX) checked.push([path, text])
    else refuse(path, `${size} bytes; a file has at most ${CONFIG_FILE_SIZE_MAX}`)
  }
  if (totalSize <= CONFIG_TOTAL_SIZE_MAX) return checked
  refuse('.', `${totalSize} bytes in all files together; at most ${CONFIG_TOTAL_SIZE_MAX}`)
  return []
}

/**
 * A trigger is known by its key; the other two tell one whose `trigger` key is misspelt or missing.
 */
function isTriggerDocument(document: Node): boolean {
  const keys = keysOf(document)
  return keys.has('trigger') || keys.has('when') || keys.has('deliver')
}

/** Likewise: by its key, or by the two that nothing else has. */
function isJourneyDocument(document: Node): boolean {
  const keys = keysOf(document)
  return keys.has('journey') || keys.has('steps') || keys.has('enter')
}

function keysOf(document: Node): ReadonlySet<string> {
  if (!isMap(document)) return new Set()
  return new Set(document.items.map(({ key }) => (isScalar(key) ? String(key.value) : '')))
}

function buildCatalog(read: ReadFiles, notes: string[]): Catalog {
  const { only, isGiven } = onlyOnce(read.declarations)
  const latenessMs = only('lateness')?.value.value ?? LATENESS_DEFAULT_MS
  const apps = buildApps(only('apps'))
  const places = buildPlaces(placesOfAll(read.declarations))
  const parameters = new Map<string, number | boolean | null>()
  for (const [name, entry] of only('parameters')?.value ?? []) {
    parameters.set(name, entry.value ?? null)
  }
  const tags = new Map<string, TagSpec | null>()
  for (const [name, { value }] of only('tags')?.value ?? []) {
    const versioned = value?.values.versioned ?? false
    tags.set(name, value === undefined ? null : Object.freeze({ name, versioned }))
  }
  const fields = new Map<string, FieldSpec | null>()
  const fieldsRead = only('fields')
  for (const [name, { value }] of fieldsRead?.value ?? []) {
    fields.set(name, value === undefined ? null : buildField(name, value, fieldsRead!.source))
  }
  const counters = new Map<string, CounterSpec | null>()
  const segmentsRead = only('segments')
  const names: NameTable = {
    parameters,
    apps,
    places: places.codes,
    appGroups: buildGroups(only('appGroups'), 'app', apps, read.isComplete),
    placeGroups: buildGroups(only('placeGroups'), 'place', places.codes, read.isComplete),
    tags,
    fields,
    counters,
    segments: segmentNames(segmentsRead?.value),
    language: buildLanguage(only('language'), fields, read.isComplete, isGiven('language')),
    isComplete: read.isComplete,
  }
  const countersRead = only('counters')
  for (const [name, { key, value }] of countersRead?.value ?? []) {
    const spec =
      value === undefined ? null : buildCounter(name, key, value, names, countersRead!.source)
    counters.set(name, spec)
  }
  if (countersRead !== undefined) {
    const keyed = [...countersRead.value].map(
      ([name, { key }]) => [counters.get(name) ?? null, key] as const,
    )
    checkWhereCount(keyed, countersRead.source)
    const ids = triggerIdsOf(read)
    const readings = [...countersRead.value.values()].map(({ value }) => value)
    if (read.isComplete) checkFeedbackTriggers(readings, new Set(ids), countersRead.source)
  }
  const segments = buildSegments(segmentsRead?.value, names, segmentsRead?.source)
  const declaredTags = [...tags.values()].filter((spec) => spec !== null)
  const policy = buildPolicy({ only, isGiven }, notes)
  const isTellingReceipts = only('outcomes')?.value === 'all'
  const actionPlaces: TriggerContext['actionPlaces'] = new Map()
  const context = { names, policy, latenessMs, isTellingReceipts, notes, actionPlaces }
  const ownTriggers = buildTriggers(read.triggers, context)
  const { journeys, triggers: steps } = buildJourneys(read.journeys, ownTriggers, context)
  const triggers = Object.freeze([...ownTriggers, ...steps])
  checkTagCycles(triggers, journeys, actionPlaces)
  const region = only('region')
  const known = read.isComplete ? knownTriggers(read.triggers, triggers) : null
  checkComparisons(comparisonsOf(read.triggers), known)
  return Object.freeze({
    counters: Object.freeze([...counters.values()].filter((spec) => spec !== null)),
    tags: Object.freeze([...declaredTags, ...tagsOfSegments(segments)]),
    fields: Object.freeze([...fields.values()].filter((spec) => spec !== null)),
    triggers,
    journeys,
    segments,
    policy: policy.spec,
    reporting: buildReporting({ only }, reportingNames(known, policy)),
    regionField: buildRegion(region?.value, names, region?.source),
    isTellingReceipts,
    apps,
    places: places.table,
    latenessMs,
    earlinessMs: only('earliness')?.value ?? EARLINESS_DEFAULT_MS,
  })
}

/** Also those that are broken and reported, so that who names them is not reported, too. */
function knownTriggers(
  readings: readonly Reading<TriggerReading>[],
  triggers: readonly TriggerSpec[],
): ReadonlySet<string> {
  const ids = readings.flatMap(({ reading }) => reading.values.trigger?.value ?? [])
  return new Set([...ids, ...triggers.map(({ id }) => id)])
}

/** Channels that are not declared have no limits and may be named, as by triggers. */
function reportingNames(triggers: ReadonlySet<string> | null, policy: PolicyTable): ReportingNames {
  const { channels, classes, spec } = policy
  const isDeclared = policy.isKnown('channels') && channels.size > 0
  return {
    triggers,
    channels: isDeclared ? new Set(channels.keys()) : null,
    classes: policy.isKnown('classes') ? new Set(classes.keys()) : null,
    smsChannels: isDeclared
      ? new Set(spec.channels.filter(({ isSms }) => isSms).map(({ name }) => name))
      : null,
  }
}

function comparisonsOf(readings: readonly Reading<TriggerReading>[]): PlacedComparison[] {
  return readings.flatMap(({ source, reading }) => {
    const { trigger, verdict } = reading.values
    const against = verdict?.values.against
    if (trigger === undefined || against === undefined) return []
    return [{ trigger: trigger.value, against, source }]
  })
}

type DeclarationKey = keyof CatalogFileReading['values']

/**
 * Looks a top-level key up over all files; a key given in two of them is a problem at the second.
 */
function onlyOnce(declarations: readonly Reading<CatalogFileReading>[]) {
  const owners = new Map<DeclarationKey, Reading<CatalogFileReading>>()
  for (const declaration of declarations) {
    const { source, reading } = declaration
    for (const key of Object.keys(catalogFile.schema.properties as object) as DeclarationKey[]) {
      if (reading.at(key) === reading.node || key === 'places') continue
      const owner = owners.get(key)
      if (owner === undefined) owners.set(key, declaration)
      else {
        const message = `"${key}" is already given in ${owner.source.file}`
        source.report(reading.at(key), 'duplicate-key', message, 'keep all of it in one file')
      }
    }
  }
  const only = <K extends DeclarationKey>(key: K) => {
    const owner = owners.get(key)
    const value = owner?.reading.values[key]
    if (owner === undefined || value === undefined) return undefined
    return { source: owner.source, value: value as NonNullable<typeof value> }
  }
  return { only, isGiven: (key: DeclarationKey) => owners.has(key) }
}

/** Ids of all triggers and steps, whatever else is wrong with them. */
function triggerIdsOf({ triggers, journeys }: ReadFiles): string[] {
  const own = triggers.map(({ reading }) => reading.values.trigger?.value ?? '')
  const steps = journeys.flatMap(({ reading: { values } }) =>
    (values.steps ?? []).map(({ value: { values: step } }) =>
      stepTriggerId(values.journey?.value ?? '', step.step?.value ?? ''),
    ),
  )
  return [...own, ...steps]
}

/** Places may stand in several files, since there may be more of them than one file holds. */
function placesOfAll(
  declarations: readonly Reading<CatalogFileReading>[],
): DictionaryReading<PlaceReading>[] {
  return declarations.flatMap(({ source, reading }) => {
    const value = reading.values.places
    return value === undefined ? [] : [{ source, value }]
  })
}

function buildLanguage(
  read: { readonly source: YamlSource; readonly value: Located<string> } | undefined,
  fields: NameTable['fields'],
  isComplete: boolean,
  isGiven: boolean,
): NameTable['language'] {
  if (read === undefined) return isGiven ? null : undefined
  return findLanguage(read.value, fields, isComplete, read.source)
}

type AppsReading = { source: YamlSource; value: NonNullable<CatalogFileReading['values']['apps']> }

function buildApps(read: AppsReading | undefined): ReadonlyMap<string, number> {
  const apps = new Map<string, number>()
  const wordByCode = new Map<number, string>()
  for (const [name, { value }] of read?.value ?? []) {
    if (value === undefined) continue
    const other = wordByCode.get(value.value)
    if (other !== undefined) {
      const message = `the code ${value.value} already belongs to "${other}"`
      read!.source.report(value.node, 'duplicate', message)
    }
    wordByCode.set(value.value, name)
    apps.set(name, value.value)
  }
  return apps
}

function buildTriggers(
  readings: readonly Reading<TriggerReading>[],
  context: Omit<TriggerContext, 'source'>,
): readonly TriggerSpec[] {
  const fileById = new Map<string, string>()
  const triggers: TriggerSpec[] = []
  for (const { source, reading } of readings.slice(0, TRIGGERS_MAX)) {
    const id = reading.values.trigger
    const other = id === undefined ? undefined : fileById.get(id.value)
    if (id !== undefined && other !== undefined) {
      source.report(id.node, 'duplicate', `the trigger "${id.value}" is already given in ${other}`)
    }
    if (id !== undefined) fileById.set(id.value, source.file)
    const trigger = buildTrigger(reading, { ...context, source })
    if (trigger !== null) triggers.push(trigger)
  }
  const surplus = readings[TRIGGERS_MAX]
  if (surplus !== undefined) {
    const message = `${readings.length} triggers; at most ${TRIGGERS_MAX}`
    surplus.source.report(surplus.reading.node, 'too-many', message)
  }
  return Object.freeze(triggers)
}

function sortProblems(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return [...problems]
    .sort((a, b) => {
      if (a.file !== b.file) return a.file < b.file ? -1 : 1
      return a.line - b.line || a.column - b.column
    })
    .slice(0, PROBLEMS_MAX)
}
