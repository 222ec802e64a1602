// The patient search of the NHS Immunisation FHIR API as the sandbox plays it: by GET, and by POST _search, which reads the
// form alone. Source: NHSDigital/immunisation-fhir-api @44be4c1, sections 1.8 and 1.9 of reference/nhs-immunisation-fhir-api.md.
import { randomUUID } from 'node:crypto'
import type { Immunization } from 'fhir/r4.js'
import { NHS_NUMBER_SYSTEM } from '../fhir/identifier-systems.js'
import { readImmunizationFacts } from '../fhir/immunization.js'
import { isNhsNumber } from '../fhir/nhs-number.js'
import { isVaccineType, VACCINE_TYPES } from '../fhir/vaccine-types.js'
import { FHIR_JSON, outcome } from './nhs-answers.js'
import { jsonAnswer, type SandboxAnswer } from './receiver.js'

export interface HeldRecord {
  id: string
  version: number
  isDeleted: boolean
  resource: Immunization
}

/** The real one answers no more than this, in characters. */
const LONGEST = 1_048_576

/** A search by patient.identifier; undefined for parameters of another search. */
export function searchByPatient(
  query: URLSearchParams,
  records: readonly HeldRecord[],
  baseUrl: string
): SandboxAnswer | undefined {
  const names = [...query.keys()]
  if (new Set(names).size < names.length) return invalid('Parameters may not be duplicated. Use commas for "or".')
  if (names.length === 0) return invalid('No parameter provided. Search using either identifier or patient.identifier')
  if (query.has('identifier')) return undefined
  const asked = readQuestion(query)
  if ('status' in asked) return asked
  const found = records.filter((record) => !record.isDeleted && matches(record.resource, asked))
  const answer = jsonAnswer(200, bundleOf(found, asked, query, baseUrl), FHIR_JSON)
  const isTooLong = (answer.body ?? '').length > LONGEST
  return isTooLong ? invalid('Search returned too many results. Please narrow down the search') : answer
}

interface Question {
  nhsNumber: string
  types: string[]
  unknown: string[]
  from: string
  to: string
}

function readQuestion(query: URLSearchParams): Question | SandboxAnswer {
  const patient = query.get('patient.identifier')
  if (patient === null) return invalid('Search parameter should have either identifier or patient.identifier')
  if (patient === '') return invalid('Search parameter patient.identifier must have one value.')
  const [system, nhsNumber = ''] = patient.split('|')
  if (system !== NHS_NUMBER_SYSTEM)
    return invalid(
      'patient.identifier must be in the format of "https://fhir.nhs.uk/Id/nhs-number|{NHS number}" e.g. "https://fhir.nhs.uk/Id/nhs-number|9000000009"'
    )
  if (!isNhsNumber(nhsNumber)) return invalid('Search parameter patient.identifier must be a valid NHS number.')
  const targets = (query.get('-immunization.target') ?? '').split(',').filter((target) => target !== '')
  if (targets.length === 0) return invalid('Search parameter -immunization.target must have one or more values.')
  const types = targets.filter(isVaccineType)
  if (types.length === 0)
    return invalid(
      `-immunization.target must be one or more of the following: ${Object.keys(VACCINE_TYPES).sort().join(', ')}`
    )
  const [from, to] = [query.get('-date.from') ?? '0001-01-01', query.get('-date.to') ?? '9999-12-31']
  for (const [name, day] of [['from', from] as const, ['to', to] as const])
    if (!/^\d{4}-\d{1,2}-\d{1,2}$/.test(day))
      return invalid(`Search parameter -date.${name} must be in format: YYYY-MM-DD`)
  if (from > to) return invalid('Search parameter -date.from must be before -date.to')
  return { nhsNumber, types, unknown: targets.filter((target) => !isVaccineType(target)), from, to }
}

function matches(resource: Immunization, { nhsNumber, types, from, to }: Question): boolean {
  const facts = readImmunizationFacts(resource)
  const day = facts.occurrence.slice(0, 10)
  return (
    facts.status === 'completed' &&
    facts.nhsNumber === nhsNumber &&
    types.includes(facts.vaccineType ?? '') &&
    day >= from &&
    day <= to
  )
}

function bundleOf(
  found: readonly HeldRecord[],
  { nhsNumber, types, unknown }: Question,
  query: URLSearchParams,
  baseUrl: string
): object {
  const patientUrl = `urn:uuid:${randomUUID()}`
  const identifier = { system: NHS_NUMBER_SYSTEM, value: nhsNumber }
  const self = new URLSearchParams({
    'immunization.target': types.join(','),
    '-immunization.target': types.join(','),
    'patient.identifier': `${NHS_NUMBER_SYSTEM}|${nhsNumber}`
  })
  for (const name of ['-date.from', '-date.to', '_include']) if (query.has(name)) self.set(name, query.get(name) ?? '')
  const matched = found.map(({ id, version, resource }) => ({
    fullUrl: `${baseUrl}/Immunization/${id}`,
    resource: shown(id, version, resource, { reference: patientUrl, type: 'Patient', identifier }),
    search: { mode: 'match' }
  }))
  const patient = { resourceType: 'Patient', id: nhsNumber, identifier: [identifier] }
  const warning =
    `Your search included invalid -immunization.target value(s) that were ignored: ${unknown.join(', ')}. ` +
    'The search was performed using the valid value(s) only.'
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    link: [{ relation: 'self', url: `${baseUrl}/Immunization?${self.toString()}` }],
    entry: [
      ...matched,
      ...(matched.length === 0 ? [] : [{ fullUrl: patientUrl, resource: patient, search: { mode: 'include' } }]),
      ...(unknown.length === 0 ? [] : [{ resource: remark(warning), search: { mode: 'outcome' } }])
    ],
    total: matched.length
  }
}

/** What the API leaves of a stored record: nothing contained, and nobody but organisations as performers. */
function shown(id: string, version: number, stored: Immunization, patient: Immunization['patient']): object {
  const { contained, performer, identifier, ...kept } = stored
  const within = new Set((contained ?? []).map((one) => `#${one.id ?? ''}`))
  const performers = performer?.filter(({ actor }) => !within.has(actor.reference ?? ''))
  return {
    ...kept,
    id,
    meta: { versionId: String(version) },
    identifier: identifier?.map((one) => ({ use: 'official', ...one })),
    patient,
    ...(performers === undefined || performers.length === 0 ? {} : { performer: performers })
  }
}

function remark(diagnostics: string): object {
  return {
    resourceType: 'OperationOutcome',
    id: randomUUID(),
    issue: [{ severity: 'warning', code: 'invalid', diagnostics }]
  }
}

function invalid(text: string): SandboxAnswer {
  return outcome(400, 'invalid', text)
}
