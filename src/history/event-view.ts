// The composed view of an event as a Bundle: the Immunization made of its records, a Provenance for each record that
// elements come from, the records themselves, and what they say otherwise. Nothing of it is stored or sent on.
import type { Provenance } from 'fhir/r4.js'
import { permittedTypes, type Caller } from '../fhir/caller.js'
import { CLIENT_SYSTEM, HUB_CODE_SYSTEM, TARGET_PATH_URL } from '../fhir/identifier-systems.js'
import type { Issue } from '../fhir/issue.js'
import { toOperationOutcome } from '../fhir/operation-outcome.js'
import { joinCollection, type SearchsetEntry } from '../fhir/searchset.js'
import type { EventMember } from '../storage/event-members.js'
import { composeEvent, type ComposedEvent } from './compose-event.js'
import { memberExtension } from './member-extension.js'
import { remarksOn } from './search-records.js'

/** `members`: what the caller may read of one event, one record at least. Gives JSON text. */
export function writeEventView(
  members: readonly EventMember[],
  caller: Caller,
  { base, now }: { base: string; now: Date }
): string {
  const composed = composeEvent(members)
  const view = `urn:uuid:${members[0]?.groupId ?? ''}`
  const provenance = composed.shown.map((shown) => JSON.stringify(toProvenance(shown, view, now)))
  const issues = [...composed.differences.map(toIssue), ...remarksOn(permittedTypes(caller, 'R'), [])]
  const entries: SearchsetEntry[] = [
    { fullUrl: view, resource: composed.resource },
    ...provenance.map((resource, index) => ({ fullUrl: `${view}#provenance-${index + 1}`, resource })),
    ...members.map((member) => ({
      // As in Linkage: of one record alone nothing is told, or it would tell of records that the caller may not read.
      ...(members.length > 1 ? { extension: [memberExtension(member)] } : {}),
      fullUrl: `${base}/Immunization/${member.recordId}`,
      resource: member.body
    }))
  ]
  return joinCollection(now, issues.length === 0 ? entries : [...entries, toOperationOutcome(issues)])
}

function toProvenance({ member, paths }: ComposedEvent['shown'][number], view: string, now: Date): Provenance {
  return {
    resourceType: 'Provenance',
    target: paths.map((path) => ({
      extension: [{ url: TARGET_PATH_URL, valueString: path }],
      reference: view,
      type: 'Immunization'
    })),
    recorded: now.toISOString(),
    activity: { coding: [{ system: HUB_CODE_SYSTEM, code: 'compose' }] },
    agent: [{ who: { type: 'Organization', identifier: { system: CLIENT_SYSTEM, value: 'service' } } }],
    entity: [{ role: 'source', what: { reference: versionOf(member), type: 'Immunization' } }]
  }
}

function toIssue({ path, shown, others }: ComposedEvent['differences'][number]): Issue {
  return {
    severity: 'information',
    code: 'informational',
    layer: 'duplicate',
    rule: 'composed-difference',
    text: `The records of this vaccination do not say the same of ${path}; the view shows one, and each record stands in this Bundle as it was sent`,
    expression: [path],
    diagnostics: [`shown=${versionOf(shown)}`, ...others.map((other) => `otherwise=${versionOf(other)}`)].join('; ')
  }
}

function versionOf({ recordId, version }: EventMember): string {
  return `Immunization/${recordId}/_history/${version}`
}
