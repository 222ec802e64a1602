// An assessment as FHIR R4: ImmunizationEvaluation and ImmunizationRecommendation, in the shape that HL7's $immds-forecast
// answers. Codes: http://hl7.org/fhir/R4/immunizationevaluation.html and immunizationrecommendation.html, checked
// 2026-11-22; what they have no code for has one of the Hub's.
import type {
  CodeableConcept,
  Coding,
  ImmunizationEvaluation,
  ImmunizationRecommendation,
  ImmunizationRecommendationRecommendation,
  ImmunizationRecommendationRecommendationDateCriterion,
  Reference
} from 'fhir/r4.js'
import { HUB_CODE_SYSTEM, SNOMED_SYSTEM } from '../fhir/identifier-systems.js'
import type { DoseEvaluation, Forecast, ForecastStatus } from '../programmes/course/course.js'
import type { Programme } from '../programmes/programme.js'
import { DOSE_REASONS, FORECAST_REASONS } from './status-words.js'

const HL7 = 'http://terminology.hl7.org/CodeSystem'

export function writeEvaluation(
  evaluation: DoseEvaluation,
  about: { patient: Reference; event: Reference; antigens: readonly string[]; at: string }
): ImmunizationEvaluation {
  const { status, reasons, programme, doseNumber, lastDoseNumber } = evaluation
  return {
    resourceType: 'ImmunizationEvaluation',
    status: 'completed',
    patient: about.patient,
    date: about.at,
    targetDisease: programme === undefined ? diseasesOf(about.antigens) : diseaseOf(programme),
    immunizationEvent: about.event,
    doseStatus: doseStatusOf(status),
    ...(reasons.length === 0 ? {} : { doseStatusReason: reasons.map(reasonOf) }),
    ...(programme === undefined ? {} : { description: originOf(programme), series: programme.title }),
    ...(doseNumber === undefined ? {} : { doseNumberPositiveInt: doseNumber }),
    ...(lastDoseNumber === undefined ? {} : { seriesDosesPositiveInt: lastDoseNumber })
  }
}

/** Undefined without forecasts: the resource has at least one. */
export function writeRecommendation(
  forecasts: readonly Forecast[],
  patient: Reference,
  at: string
): ImmunizationRecommendation | undefined {
  if (forecasts.length === 0) return undefined
  return {
    resourceType: 'ImmunizationRecommendation',
    patient,
    date: at,
    recommendation: forecasts.map(writeForecast)
  }
}

function writeForecast(forecast: Forecast): ImmunizationRecommendationRecommendation {
  const { programme, status, reasons, openFlags, doseNumber } = forecast
  const dates = datesOf(forecast)
  return {
    targetDisease: diseaseOf(programme),
    forecastStatus: forecastStatusOf(status),
    ...(reasons.length === 0
      ? {}
      : {
          forecastReason: reasons.map((reason) => ({
            coding: [hubCoding(reason)],
            text: withFlags(FORECAST_REASONS[reason], openFlags)
          }))
        }),
    ...(dates.length === 0 ? {} : { dateCriterion: dates }),
    description: originOf(programme),
    series: programme.title,
    ...(doseNumber === undefined ? {} : { doseNumberPositiveInt: doseNumber })
  }
}

/** LOINC 30981-5, 30980-7, 59778-1 and 59777-3: http://hl7.org/fhir/R4/valueset-immunization-recommendation-date-criterion.html */
function datesOf(forecast: Forecast): ImmunizationRecommendationRecommendationDateCriterion[] {
  const rows = [
    ['30981-5', 'Earliest date to give', forecast.earliest],
    ['30980-7', 'Date vaccine due', forecast.due],
    ['59778-1', 'Date when overdue for immunization', forecast.overdue],
    ['59777-3', 'Latest date to give immunization', forecast.latest]
  ] as const
  return rows.flatMap(([code, display, value]) =>
    value === undefined ? [] : [{ code: { coding: [{ system: 'http://loinc.org', code, display }] }, value }]
  )
}

function doseStatusOf(status: DoseEvaluation['status']): CodeableConcept {
  const system = `${HL7}/immunization-evaluation-dose-status`
  switch (status) {
    case 'valid':
      return { coding: [{ system, code: 'valid', display: 'Valid' }], text: 'counts' }
    case 'not-valid':
      return { coding: [{ system, code: 'notvalid', display: 'Not valid' }], text: 'does not count' }
    case 'cannot-tell':
      return { coding: [hubCoding('cannot-tell')], text: 'cannot tell' }
  }
}

function reasonOf(reason: DoseEvaluation['reasons'][number]): CodeableConcept {
  const { text, code } = DOSE_REASONS[reason]
  const system = `${HL7}/immunization-evaluation-dose-status-reason`
  return { coding: [...(code === undefined ? [] : [{ system, code }]), hubCoding(reason)], text }
}

function forecastStatusOf(status: ForecastStatus): CodeableConcept {
  const system = `${HL7}/immunization-recommendation-status`
  const coding = (code: string, display: string): CodeableConcept => ({
    coding: [{ system, code, display }],
    text: status
  })
  switch (status) {
    case 'due':
      return coding('due', 'Due')
    case 'overdue':
      return coding('overdue', 'Overdue')
    case 'complete':
      return coding('complete', 'Complete')
    case 'too-early':
    case 'not-eligible':
    case 'aged-out':
    case 'cannot-tell':
      return { coding: [hubCoding(status)], text: status.replaceAll('-', ' ') }
  }
}

// A vaccine against several diseases has no SNOMED CT code for all of them together: the NHS vaccine type stands for it.
function diseaseOf({ targetDiseases, vaccineType, title }: Programme): CodeableConcept {
  const [only, ...others] = targetDiseases
  const coding =
    only !== undefined && others.length === 0 ? { system: SNOMED_SYSTEM, code: only } : hubCoding(vaccineType)
  return { coding: [coding], text: title }
}

function diseasesOf(antigens: readonly string[]): CodeableConcept {
  const [only, ...others] = antigens
  if (only !== undefined && others.length === 0) return { coding: [{ system: SNOMED_SYSTEM, code: only }] }
  return { text: antigens.length === 0 ? 'no target disease was named' : `target diseases ${antigens.join(', ')}` }
}

function hubCoding(code: string): Coding {
  return { system: HUB_CODE_SYSTEM, code }
}

function originOf({ id, version }: Programme): string {
  return `programme ${id} ${version}`
}

function withFlags(text: string, flags: readonly string[]): string {
  return flags.length === 0 ? text : `${text}: ${flags.join(', ')}`
}
