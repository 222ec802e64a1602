// What the suppliers were promised, held against what the receivers say. Pure.
import { patientItemKey } from '../../src/delivery/eligibility/target-item.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { isDeleted, type SupplierRecord } from './supplier-record.js'

/** The destinations that a campaign may have. */
export const JUDGED = ['nhs-immunisation-api', 'gp-record', 'eligibility-store', 'fhir-rest'] as const
export type Judged = (typeof JUDGED)[number]

/** Which versions the destinations that keep versions are sent: the oracle of one is no oracle for the other. */
export const VERSIONS_OF = { 'nhs-immunisation-api': 'latest', 'gp-record': 'every', 'fhir-rest': 'every' } as const

export interface Evidence {
  records: readonly SupplierRecord[]
  journal: readonly JournalEntry[]
  /** Of the destinations of the campaign, and of no other; of the GP record there are none. */
  holdings: Partial<Record<Judged, readonly unknown[]>>
  hashSecret: string
}

export interface Verdict {
  destination: Judged
  /** Versions that were acknowledged and must be there. */
  expected: number
  missing: string[]
  misordered: string[]
  /** Versions that the receiver took once more. */
  duplicates: number
  /** Versions that were never sent, because a later one took their place. */
  skipped: number
}

export function judgeDestinations(evidence: Evidence): Verdict[] {
  return [
    judgeVersions(evidence, 'nhs-immunisation-api', findWrongAtEnd(evidence, 'nhs-immunisation-api')),
    judgeVersions(evidence, 'gp-record', []),
    judgeTotals(evidence),
    ...(evidence.holdings['fhir-rest'] === undefined
      ? []
      : [judgeVersions(evidence, 'fhir-rest', findWrongAtEnd(evidence, 'fhir-rest'))])
  ]
}

/**
 * Every version is sent under the id of its delivery, on every attempt, and those ids ascend with the versions. So a
 * record has arrived when as many ids were applied as versions were acknowledged, and in order when they ascend. Where
 * only the latest is sent, ids may be left out, but none may come late or be made up, and the end decides what is missing.
 */
function judgeVersions(
  { records, journal }: Evidence,
  destination: keyof typeof VERSIONS_OF,
  wrongAtEnd: readonly string[]
): Verdict {
  const applied = new Map<string, string[]>()
  for (const { recordKey = '', requestId } of journal.filter((entry) => entry.applied && isFor(entry, destination)))
    applied.set(recordKey, [...(applied.get(recordKey) ?? []), requestId])
  const verdict: Verdict = {
    destination,
    expected: 0,
    missing: [...wrongAtEnd],
    misordered: [],
    duplicates: 0,
    skipped: 0
  }
  const maySkip = VERSIONS_OF[destination] === 'latest'
  for (const { n, identifier, versions } of records) {
    const ids = applied.get(identifier) ?? []
    const distinct = new Set(ids).size
    verdict.expected += versions.length
    verdict.duplicates += ids.length - distinct
    if (maySkip) verdict.skipped += Math.max(0, versions.length - distinct)
    if (maySkip ? distinct > versions.length : distinct !== versions.length)
      verdict.missing.push(`record ${n}: ${versions.length} versions acknowledged, ${distinct} arrived`)
    const late = ids.filter((id, place) => ids.slice(0, place).some((earlier) => earlier > id))
    verdict.misordered.push(...late.map((id) => `record ${n}: ${id} was applied after a later version`))
  }
  return verdict
}

interface Holding {
  isDeleted: boolean
  resource: { lotNumber?: string; identifier?: { system?: string; value?: string }[] }
}

/** What the receiver holds in the end is the last version; of several under one identifier the one that was made last counts. */
function findWrongAtEnd({ records, holdings }: Evidence, destination: Judged): string[] {
  const held = new Map(
    ((holdings[destination] ?? []) as Holding[]).map((holding) => {
      const { system = '', value = '' } = holding.resource.identifier?.[0] ?? {}
      return [`${system}#${value}`, holding]
    })
  )
  return records.flatMap((record) => {
    const last = record.versions.at(-1)
    if (last === undefined) return []
    const found = held.get(record.identifier)
    // Deleted before anything of it was sent, it is never heard of.
    if (found === undefined) return isDeleted(record) ? [] : [`record ${record.n} is not there`]
    if (isDeleted(record)) return found.isDeleted ? [] : [`record ${record.n} was deleted, and is there`]
    const isSame = !found.isDeleted && found.resource.lotNumber === last.lotNumber
    return isSame ? [] : [`record ${record.n} is not there as ${last.lotNumber}`]
  })
}

type Item = Record<string, Record<string, unknown> | undefined>

/**
 * The store holds totals, which are computed when they are sent: one delivery may bring what a later version changed. So
 * only the end counts, and that no older totals followed newer ones.
 */
function judgeTotals({ records, journal, holdings, hashSecret }: Evidence): Verdict {
  const destination = 'eligibility-store'
  const keyOf = (item: Item): string => `${String(item['NHS_NUMBER']?.['S'])}/${String(item['ATTRIBUTE_TYPE']?.['S'])}`
  const items = new Map(((holdings[destination] ?? []) as Item[]).map((item) => [keyOf(item), item]))
  const known = records.filter(({ versions }) => versions.length > 0)
  const missing = known.flatMap((record) => {
    const item = items.get(`${patientItemKey(record.nhsNumber, hashSecret)}/${record.vaccineType}`)
    const [day, count] = isDeleted(record) ? [undefined, '0'] : [record.day, '1']
    const isSame =
      item?.['LAST_SUCCESSFUL_DATE']?.['S'] === day && item?.['SUCCESSFUL_PROCEDURE_COUNT']?.['S'] === count
    return isSame ? [] : [`record ${record.n}: the totals of its patient are not ${day ?? 'none'}, ${count}`]
  })
  const newest = new Map<string, number>()
  const misordered: string[] = []
  for (const { recordKey = '', version } of journal.filter((entry) => entry.applied && isFor(entry, destination))) {
    if (Number(version) < (newest.get(recordKey) ?? 0)) misordered.push(`${recordKey}: older totals after newer ones`)
    newest.set(recordKey, Number(version))
  }
  const expected = known.reduce((sum, { versions }) => sum + versions.length, 0)
  return { destination, expected, missing, misordered, duplicates: 0, skipped: 0 }
}

function isFor(entry: JournalEntry, destination: Judged): boolean {
  return entry.destination === destination
}
