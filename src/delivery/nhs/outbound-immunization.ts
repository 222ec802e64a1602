// An Immunization as the NHS Immunisation FHIR API takes it: one identifier, one extension, one protocol, known elements.
// Source: NHSDigital/immunisation-fhir-api @44be4c1, sections 2 and 8 of reference/nhs-immunisation-fhir-api.md.
import type {
  CodeableConcept,
  Immunization,
  ImmunizationPerformer,
  ImmunizationProtocolApplied,
  Reference
} from 'fhir/r4.js'
import { ODS_CODE_SYSTEM, SNOMED_SYSTEM, VACCINATION_PROCEDURE_URL } from '../../fhir/identifier-systems.js'
import { toOutboundOccurrence, toOutboundRecorded } from './outbound-dates.js'
import { toOutboundPeople, findPerformer } from './outbound-people.js'

const LOCATION_NOT_KNOWN = 'X99999'
const DOSE_NOT_RECORDED = 'Dose sequence not recorded'
const MAX_DOSE_NUMBER = 9

export interface OutboundImmunization {
  /** Without `id`: the API gives it, and wants it in the body of a PUT only. */
  resource: Immunization
  /** What was shortened or left out for this receiver; kept with the delivery. Never a patient's data. */
  notes: string[]
}

/**
 * Maps a stored Immunization whose status is `completed`; any other status is never sent (it becomes a DELETE).
 * What the API needs and the record lacks is not made up, the API says so itself; only its documented stand-ins for
 * "not known" are filled in: location, postcode, gender, dose number.
 */
export function toOutboundImmunization(stored: Immunization): OutboundImmunization {
  const { patient, practitioner, notes } = toOutboundPeople(stored)
  const contained = [patient, practitioner].filter((person) => person !== undefined)
  const resource: Immunization = {
    resourceType: 'Immunization',
    ...(contained.length === 0 ? {} : { contained }),
    extension: (stored.extension ?? []).filter((extension) => extension.url === VACCINATION_PROCEDURE_URL).slice(0, 1),
    identifier: (stored.identifier ?? []).slice(0, 1).map(({ system, value }) => dropUndefined({ system, value })),
    status: 'completed',
    vaccineCode: stored.vaccineCode,
    patient: patient === undefined ? {} : { reference: `#${patient.id}` },
    ...dropUndefined({
      occurrenceDateTime: toOutboundOccurrence(stored.occurrenceDateTime),
      recorded: toOutboundRecorded(stored.recorded),
      primarySource: stored.primarySource,
      manufacturer: displayOnly(stored.manufacturer),
      location: toLocation(stored.location),
      lotNumber: stored.lotNumber,
      expirationDate: fullDate(stored.expirationDate, notes),
      site: oneCodingPerSystem(stored.site),
      route: oneCodingPerSystem(stored.route),
      doseQuantity: stored.doseQuantity,
      performer: toPerformers(stored, practitioner?.id),
      reasonCode: stored.reasonCode?.filter((reason) => reason.coding === undefined || reason.coding.length > 0),
      protocolApplied: [toProtocol(stored.protocolApplied ?? [])]
    })
  }
  return { resource, notes }
}

// The API takes a day or nothing, and can do without: a month alone would hold the delivery for ever.
function fullDate(date: string | undefined, notes: string[]): string | undefined {
  if (date === undefined || /^\d{4}-\d{2}-\d{2}$/.test(date)) return date
  notes.push('the expiry date is no full date and was left out')
  return undefined
}

// A reference to a contained Organization would point at nothing once that is stripped.
function displayOnly(manufacturer: Reference | undefined): Reference | undefined {
  const display = manufacturer?.display?.trim() ?? ''
  return display === '' ? undefined : { display }
}

function toLocation(location: Reference | undefined): Reference {
  const { system, value } = location?.identifier ?? {}
  const isKnown = value !== undefined && value.trim() !== '' && system !== undefined
  return {
    type: 'Location',
    identifier: isKnown ? { system, value } : { system: ODS_CODE_SYSTEM, value: LOCATION_NOT_KNOWN }
  }
}

/** The first Organization, and the Practitioner that is contained: both exactly once. */
function toPerformers(stored: Immunization, practitionerId: string | undefined): ImmunizationPerformer[] {
  const performers = stored.performer ?? []
  const organization =
    performers.find(({ actor }) => actor.type === 'Organization') ??
    performers.find(({ actor }) => actor.identifier?.system === ODS_CODE_SYSTEM)
  const chosen: ImmunizationPerformer[] = []
  if (organization !== undefined) {
    const { system, value } = organization.actor.identifier ?? {}
    const { display } = organization.actor
    chosen.push({
      actor: { type: 'Organization', identifier: dropUndefined({ system, value }), ...dropUndefined({ display }) }
    })
  }
  if (practitionerId !== undefined) {
    const original = performers.find(({ actor }) => actor.reference === `#${findPerformer(stored)?.id ?? ''}`)
    chosen.push({ ...dropUndefined({ function: original?.function }), actor: { reference: `#${practitionerId}` } })
  }
  return chosen
}

// The API names at most one coding per system in site and route.
function oneCodingPerSystem(concept: CodeableConcept | undefined): CodeableConcept | undefined {
  if (concept?.coding === undefined) return concept
  const seen = new Set<string>()
  const coding = concept.coding.filter(({ system }) => {
    if (system === undefined) return true
    const isFirst = !seen.has(system)
    seen.add(system)
    return isFirst
  })
  return { ...concept, coding }
}

/** Several protocols become one with all their diseases: the API derives the vaccine type from one set of codes. */
function toProtocol(protocols: readonly ImmunizationProtocolApplied[]): ImmunizationProtocolApplied {
  const [first] = protocols
  const seen = new Set<string>()
  const targetDisease = protocols
    .flatMap((protocol) => protocol.targetDisease ?? [])
    .map((disease) => ({ ...disease, coding: firstSnomedCoding(disease) }))
    .filter(({ coding }) => {
      const code = coding[0]?.code ?? ''
      const isFirst = !seen.has(code)
      seen.add(code)
      return isFirst
    })
  const { series, seriesDosesPositiveInt, seriesDosesString } = first ?? {}
  return {
    ...dropUndefined({ series, seriesDosesPositiveInt, seriesDosesString }),
    targetDisease,
    ...toDoseNumber(first?.doseNumberPositiveInt, first?.doseNumberString)
  }
}

function firstSnomedCoding(disease: CodeableConcept): NonNullable<CodeableConcept['coding']> {
  return (disease.coding ?? []).filter(({ system }) => system === SNOMED_SYSTEM).slice(0, 1)
}

function toDoseNumber(
  positiveInt: number | undefined,
  text: string | undefined
): Pick<ImmunizationProtocolApplied, 'doseNumberPositiveInt' | 'doseNumberString'> {
  if (positiveInt !== undefined) {
    return positiveInt <= MAX_DOSE_NUMBER
      ? { doseNumberPositiveInt: positiveInt }
      : { doseNumberString: String(positiveInt) }
  }
  return { doseNumberString: text !== undefined && text.trim() !== '' ? text : DOSE_NOT_RECORDED }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function dropUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Defined<T>
}
