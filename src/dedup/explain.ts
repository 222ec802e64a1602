// A verdict in words for the supplier and in points for machines: deduplication reference, section 2.7.
import type { Issue } from '../fhir/issue.js'
import type { PairVerdict } from './compare-events.js'
import { compareFields } from './compare-fields.js'
import type { DedupRules } from './dedup-rules.js'
import type { EventFingerprint } from './fingerprint.js'
import type { ComparedPair, Grouping } from './regroup.js'
import type { EventRecord } from './survivor.js'

/**
 * `rules=dedup-1.0.0; score=55; date+20; antigen+15; product+5; source+15; group=…; record=…`. Never a patient's data.
 * `recordId`: the other record, for a supplier of the same organisation.
 */
export function explainPair(verdict: PairVerdict, groupId?: string, recordId?: string): string {
  return [
    `rules=${verdict.rulesVersion}`,
    ...explainRule(verdict),
    ...(groupId === undefined ? [] : [`group=${groupId}`]),
    ...(recordId === undefined ? [] : [`record=Immunization/${recordId}`])
  ].join('; ')
}

function explainRule(verdict: PairVerdict): string[] {
  const { rule, score, features, conflicts } = verdict
  if (/^[DV][1-6]$/.test(rule)) return [`rule=${rule}`]
  return [
    ...(rule === 'score' ? [] : [`cap=${verdict.caps.join(',')}`]),
    `score=${score}`,
    ...Object.entries(features).map(([feature, points]) => `${feature}${points > 0 ? '+' : ''}${points}`),
    ...(conflicts.length === 0 ? [] : [`conflict=${conflicts.join(',')}`])
  ]
}

/**
 * What the supplier of a record is told after grouping: the link to an event already held, and one warning for each
 * event it may repeat. Of the other record only its day is named, and whether it came from the same organisation; its id
 * where it did.
 */
export function duplicateIssues(
  recordId: string,
  grouping: Grouping,
  records: readonly EventRecord[],
  rules: DedupRules
): Issue[] {
  const byId = new Map(records.map((record) => [record.recordId, record.fingerprint]))
  const own = byId.get(recordId)
  if (own === undefined) return []
  const linked = strongest(
    pairsOf(recordId, grouping.pairs).filter((pair) => !grouping.possibleDuplicates.includes(pair))
  )
  const nameable = (pair: ComparedPair): string | undefined => {
    const otherId = otherOf(pair, recordId)
    return isOfSameOrganisation(own, byId.get(otherId)) ? otherId : undefined
  }
  const issues = linked === undefined ? [] : [linkedIssue(linked, grouping.groupIdOf.get(recordId), nameable(linked))]
  for (const [groupId, pairs] of groupByEvent(recordId, grouping)) {
    const pair = strongest(pairs)
    const other = pair === undefined ? undefined : byId.get(otherOf(pair, recordId))
    if (pair !== undefined && other !== undefined)
      issues.push(possibleIssue([own, other], explainPair(pair.verdict, groupId, nameable(pair)), rules))
  }
  if (grouping.crowded.includes(recordId)) issues.push(crowdedIssue(rules))
  return issues
}

function linkedIssue(pair: ComparedPair, groupId: string | undefined, otherId: string | undefined): Issue {
  return {
    severity: 'information',
    code: 'duplicate',
    layer: 'duplicate',
    rule: 'same-event-linked',
    text: 'Recorded and linked to a vaccination already held; nothing needs to be done',
    diagnostics: explainPair(pair.verdict, groupId, otherId)
  }
}

function possibleIssue(
  [own, other]: readonly [EventFingerprint, EventFingerprint],
  diagnostics: string,
  rules: DedupRules
): Issue {
  return {
    severity: 'warning',
    code: 'duplicate',
    layer: 'duplicate',
    rule: 'possible-duplicate',
    text: `Looks like a vaccination already reported on ${dayOf(other)} by ${reporterOf(own, other)}; both are kept. Nothing needs to be done, or correct what expression names by PUT`,
    expression: expressionsFor(own, other, rules),
    diagnostics
  }
}

function crowdedIssue(rules: DedupRules): Issue {
  return {
    severity: 'warning',
    code: 'duplicate',
    layer: 'duplicate',
    rule: 'too-many-similar-records',
    text: `More than ${rules.maximumCandidates} records of this patient are close to this one; it is kept, linked to none, and a person will look. Check whether the same data is being sent again and again`,
    diagnostics: `rules=${rules.version}; cap=C7`
  }
}

// Where the two differ, or where the submitted record leaves open what would settle it.
function expressionsFor(own: EventFingerprint, other: EventFingerprint, rules: DedupRules): string[] {
  const fields = compareFields(own, other, rules)
  const named = [
    ...(fields.days > 0 || own.day !== own.lastDay ? ['Immunization.occurrenceDateTime'] : []),
    ...(fields.lot === 'same' || (fields.lot === 'absent' && own.lot !== undefined) ? [] : ['Immunization.lotNumber']),
    ...(fields.product === 'different' || fields.product === 'unresolved' ? ['Immunization.vaccineCode'] : []),
    ...(fields.dose === 'different' ? ['Immunization.protocolApplied[0].doseNumber'] : [])
  ]
  return named.length === 0 ? ['Immunization.identifier'] : named
}

function isOfSameOrganisation(own: EventFingerprint, other: EventFingerprint | undefined): boolean {
  return own.organisation !== undefined && own.organisation === other?.organisation
}

function reporterOf(own: EventFingerprint, other: EventFingerprint): string {
  if (own.identifier.system === other.identifier.system) return 'the same system'
  if (own.organisation === undefined || other.organisation === undefined) return 'another system'
  return own.organisation === other.organisation ? 'another system of the same organisation' : 'another organisation'
}

export function dayOf({ day, precision }: EventFingerprint): string {
  return precision === 'year' ? day.slice(0, 4) : precision === 'month' ? day.slice(0, 7) : day
}

function groupByEvent(recordId: string, grouping: Grouping): Map<string, ComparedPair[]> {
  const events = new Map<string, ComparedPair[]>()
  for (const pair of pairsOf(recordId, grouping.possibleDuplicates)) {
    const groupId = grouping.groupIdOf.get(otherOf(pair, recordId))
    if (groupId !== undefined) events.set(groupId, [...(events.get(groupId) ?? []), pair])
  }
  return events
}

function pairsOf(recordId: string, pairs: readonly ComparedPair[]): ComparedPair[] {
  return pairs.filter(({ recordA, recordB }) => recordA === recordId || recordB === recordId)
}

function otherOf(pair: ComparedPair, recordId: string): string {
  return pair.recordA === recordId ? pair.recordB : pair.recordA
}

// A merge before a review, then the higher score, then the lower ids.
function strongest(pairs: readonly ComparedPair[]): ComparedPair | undefined {
  return [...pairs].sort(
    (a, b) =>
      Number(b.verdict.outcome === 'same') - Number(a.verdict.outcome === 'same') ||
      b.verdict.score - a.verdict.score ||
      (a.recordA + a.recordB < b.recordA + b.recordB ? -1 : 1)
  )[0]
}
