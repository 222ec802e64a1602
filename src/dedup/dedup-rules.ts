// Weights, windows and thresholds of deduplication: profiles/dedup/<version>.yaml. The code holds none of them.
import type { VaccineType } from '../fhir/vaccine-types.js'
import { compileFileCheck, refuseFaults, type FileFault } from './data-file.js'
import { DEDUP_RULES_SCHEMA } from './dedup-rules-schema.js'

/** How far apart two records of a vaccine type may lie and still be looked at together. */
export interface EventWindow {
  /** Records further apart are other doses. The shortest interval at which a next dose is valid, less one day. */
  windowDays: number
  /** A second dose in the same season is not expected: a second report is likely a repeat. */
  oncePerSeason: boolean
}

export interface DateBand {
  /** Days apart, included. The last band has none and takes the rest. */
  upToDays?: number
  points: number
}

export interface DedupPoints {
  date: DateBand[]
  antigens: { equal: number; subset: number; overlap: number }
  product: { same: number; compatible: number; different: number }
  lot: { same: number; near: number; different: number }
  dose: { same: number; different: number }
  organisation: { same: number; different: number; differentWithHistorical: number }
  source: {
    onePrimary: number
    nonePrimary: number
    bothPrimarySameOrganisation: number
    bothPrimaryOtherOrganisation: number
  }
  interval: { tooEarly: number; tooEarlyOncePerSeason: number }
}

export interface DedupRules {
  /** Equals the file name without extension; stored with every decision. */
  version: string
  windows: { default: EventWindow; byVaccineType: Partial<Record<VaccineType, EventWindow>> }
  lots: {
    /** Upper case, A-Z and 0-9 only: what people type when they do not know the lot. */
    placeholders: string[]
    minimumLength: number
    /** Letters that are taken for a digit when typed from a label. */
    confusable: Record<string, string>
    /** Shorter lots that differ in one character are different lots. */
    typoMinimumLength: number
    /** False: lots one keystroke apart may also be neighbours in a batch, so a person decides. */
    typoMayMerge: boolean
  }
  organisations: { placeholders: string[] }
  /** Vaccine types whose diseases lie inside those of another, yet are a vaccine of their own: never its component. */
  neverComponents: { component: VaccineType; combination: VaccineType }[]
  /** Volume of a full dose by vaccine and route, for records whose product does not tell it. */
  fullDoses?: { vaccineType: VaccineType; routeCode: string; ml: number }[]
  /** Score given to a pair that meets the rule. */
  deterministic: Record<DeterministicRule, number>
  points: DedupPoints
  outcomes: {
    same: number
    possible: number
    /** A score merges only records at most this many days apart. */
    sameMaximumDays: number
    /** Different dose numbers further apart than this are different doses. */
    doseNumbersApartDays: number
  }
  /** A record with more candidates than this is merged with none, and a person is told. */
  maximumCandidates: number
}

export type DeterministicRule = 'D1' | 'D2' | 'D3' | 'D4'

const checkShape = compileFileCheck(DEDUP_RULES_SCHEMA)

/**
 * Reads a file of weights, already parsed from YAML. `fileName` may carry a folder; its base name is the version.
 * @throws DedupFileError naming the file and the path of every fault
 */
export function parseDedupRules(fileName: string, value: unknown): DedupRules {
  checkShape(fileName, value)
  const rules = value as DedupRules
  refuseFaults(fileName, findFaults(fileName, rules))
  return rules
}

/** The same rules with the windows that programme files state for their vaccine type; these win over the rules file. */
export function withProgrammeWindows(
  rules: DedupRules,
  windows: Readonly<Partial<Record<VaccineType, Partial<EventWindow>>>>
): DedupRules {
  const byVaccineType = { ...rules.windows.byVaccineType }
  for (const [type, window] of Object.entries(windows) as [VaccineType, Partial<EventWindow>][])
    byVaccineType[type] = { ...rules.windows.default, ...byVaccineType[type], ...window }
  return { ...rules, windows: { ...rules.windows, byVaccineType } }
}

/** The window of one vaccine type; the default for a type without one of its own or an unknown set of diseases. */
export function windowOf(type: VaccineType | undefined, rules: DedupRules): EventWindow {
  return (type === undefined ? undefined : rules.windows.byVaccineType[type]) ?? rules.windows.default
}

// What JSON Schema cannot say.
function findFaults(fileName: string, rules: DedupRules): FileFault[] {
  const faults: FileFault[] = []
  const baseName = fileName.slice(fileName.lastIndexOf('/') + 1)
  if (baseName !== `${rules.version}.yaml`)
    faults.push({
      path: '/version',
      message: `is "${rules.version}", so the file must be called ${rules.version}.yaml`
    })
  if (rules.outcomes.possible >= rules.outcomes.same)
    faults.push({ path: '/outcomes/possible', message: 'must be below /outcomes/same' })
  const bands = rules.points.date
  bands.forEach((band, index) => {
    const path = `/points/date/${index}/upToDays`
    const isLast = index === bands.length - 1
    if (isLast !== (band.upToDays === undefined))
      faults.push({ path, message: 'must be left out in the last band and stand in every other one' })
    else if (!isLast && (band.upToDays ?? 0) <= (bands[index - 1]?.upToDays ?? -1))
      faults.push({ path, message: 'must be above that of the band before' })
  })
  return faults
}
