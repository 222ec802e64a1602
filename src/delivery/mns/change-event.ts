// The CloudEvent that tells of one change, in the national shape of imms-vaccination-record-change-1.
// Source: section 3.5 of reference/nhs-immunisation-fhir-api.md; CloudEvents 1.0.2. Pure.
import type { Immunization } from 'fhir/r4.js'
import { isFullDate } from '../../fhir/dates.js'
import { ODS_CODE_SYSTEM } from '../../fhir/identifier-systems.js'
import { findPatient, readImmunizationFacts, type ImmunizationFacts } from '../../fhir/immunization.js'
import type { Delivery } from '../destination.js'
import { isWithdrawn } from '../withdrawal.js'

const EVENT_TYPE = 'imms-vaccination-record-change-1'

export interface ChangeEvent {
  specversion: '1.0'
  /** The delivery: the same on every attempt, so that a subscriber knows an event it has had. */
  id: string
  source: string
  type: typeof EVENT_TYPE
  /** When the vaccine was given, as nationally; the time of the change is `recordchangetime`. Absent for a partial date. */
  time?: string
  /** NHS number. */
  subject: string
  dataref: string
  filtering: {
    generalpractitioner: string | null
    sourceorganisation: string | null
    sourceapplication: string
    /** Whole years when the vaccine was given. */
    subjectage: number | null
    immunisationtype: string
    action: 'CREATE' | 'UPDATE' | 'DELETE'
  }
  /** Ours: later versions have higher numbers, so that a subscriber can put events in order. */
  recordversion: number
  /** Ours: when this version was received. */
  recordchangetime: string
}

/** Undefined when there is no NHS number: the national event has no other subject. */
export function toChangeEvent(
  delivery: Delivery,
  resource: Immunization,
  options: { source: string; recordBaseUrl: string }
): ChangeEvent | undefined {
  const facts = readImmunizationFacts(resource)
  if (facts.nhsNumber === undefined) return undefined
  const time = occurrenceInstant(facts)
  return {
    specversion: '1.0',
    id: delivery.deliveryId,
    source: options.source,
    type: EVENT_TYPE,
    ...(time === undefined ? {} : { time }),
    subject: facts.nhsNumber,
    dataref: `${options.recordBaseUrl}/Immunization/${delivery.recordId}`,
    filtering: {
      generalpractitioner: registeredPractice(resource) ?? null,
      sourceorganisation: facts.performerOds ?? null,
      sourceapplication: delivery.supplier,
      subjectage: ageYears(facts) ?? null,
      immunisationtype: delivery.vaccineType,
      action: isWithdrawn(delivery, resource) ? 'DELETE' : delivery.operation === 'create' ? 'CREATE' : 'UPDATE'
    },
    recordversion: delivery.version,
    recordchangetime: delivery.changedAt.toISOString()
  }
}

// A day without a time stands as midnight, as the national publisher writes it.
function occurrenceInstant({ occurrenceFrom, occurrenceDay, occurrencePrecision }: ImmunizationFacts) {
  if (occurrencePrecision === 'time') return occurrenceFrom.toISOString()
  return occurrencePrecision === 'day' && occurrenceDay !== '' ? `${occurrenceDay}T00:00:00.000Z` : undefined
}

function ageYears({ birthDate, occurrenceDay, occurrencePrecision }: ImmunizationFacts): number | undefined {
  const isDayKnown = occurrencePrecision === 'day' || occurrencePrecision === 'time'
  if (birthDate === undefined || !isFullDate(birthDate) || !isDayKnown || occurrenceDay === '') return undefined
  const years = Number(occurrenceDay.slice(0, 4)) - Number(birthDate.slice(0, 4))
  return occurrenceDay.slice(5) < birthDate.slice(5) ? years - 1 : years
}

/** The national publisher asks PDS; we say what the record says. */
function registeredPractice(resource: Immunization): string | undefined {
  const practices = findPatient(resource)?.generalPractitioner ?? []
  return practices.find(({ identifier }) => identifier?.system === ODS_CODE_SYSTEM)?.identifier?.value?.toUpperCase()
}
