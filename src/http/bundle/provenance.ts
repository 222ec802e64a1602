// A Provenance of a transaction: kept beside the versions that its targets name. Looked at as far as the Hub relies on it.
import type { Issue } from '../../fhir/issue.js'
import { findReferences } from '../../fhir/json-parts.js'
import type { ParsedJson } from '../../fhir/parse-json.js'
import type { EntryDirectory } from './fold-entries.js'

/** Indexes of the entries that a Provenance is about, and what is wrong with it. */
export function readProvenance(
  index: number,
  resource: ParsedJson,
  directory: EntryDirectory
): { targets: number[]; faults: Issue[] } {
  const { recorded, agent } = resource.value as { recorded?: unknown; agent?: unknown }
  const at = `Bundle.entry[${index}].resource`
  const faults: Issue[] = []
  const targets = findReferences(resource.text)
    .filter(({ path }) => /^target\[\d+\]$/.test(path))
    .flatMap(({ path, reference }) => {
      const target = directory.findImmunization(reference)
      if (target === undefined) faults.push(fault(`${at}.${path}.reference`, TARGET))
      return target ?? []
    })
  if (targets.length === 0 && faults.length === 0) faults.push(fault(`${at}.target`, TARGET))
  if (typeof recorded !== 'string' || Number.isNaN(Date.parse(recorded)))
    faults.push(fault(`${at}.recorded`, 'Provenance.recorded is required: the moment at which it was written down'))
  const agents: unknown[] = Array.isArray(agent) ? agent : []
  if (agents.length === 0 || !agents.every((one) => typeof one === 'object' && one !== null && 'who' in one))
    faults.push(fault(`${at}.agent`, 'Provenance.agent is required, and each agent says who it is'))
  return { targets: [...new Set(targets)], faults }
}

const TARGET = 'Provenance.target must be the fullUrl of an Immunization that this transaction writes'

function fault(path: string, text: string): Issue {
  return { severity: 'error', code: 'invalid', layer: 'base', rule: 'bundle-provenance', text, expression: [path] }
}
