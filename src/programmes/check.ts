// What a check is: one file each in checks/, compiled once per programme file, then asked for every record.
import type { IssueCode } from '../fhir/issue.js'
import type { ImmunizationFacts } from '../fhir/immunization.js'
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { CodeKnowledge } from './code-knowledge.js'
import type { DayRange } from './day-range.js'
import type { ElementPaths } from './element-paths.js'
import type { Ground } from './ground.js'
import type { Certainty, Programme } from './programme.js'

/** An earlier or later vaccination of the same patient: one per event group, without the record being judged. */
export interface HistoricEvent {
  /** Calendar day in Europe/London, YYYY-MM-DD. */
  day: string
  /** SNOMED CT codes of the target diseases. */
  antigens: readonly string[]
  vaccineType: VaccineType
}

/** One record as every check sees it. */
export interface Subject {
  facts: ImmunizationFacts
  paths: ElementPaths
  now: Date
  /** Days that the occurrence can stand for. */
  occurrence: DayRange
  /** Days on which the patient can have been born; undefined when nothing is known. */
  birth?: DayRange
  history: readonly HistoricEvent[]
  /** Reasons given by the supplier, `isSubpotent` among them when the record says so. */
  overrides: readonly string[]
  /** What is known of the patient beside the Immunization: PREGNANT, RISK_GROUP ... Absent means cannot tell. */
  flags: Readonly<Record<string, boolean>>
  /** Days of pregnancy on the day of vaccination, where somebody knows them. */
  gestationDays?: number
}

/**
 * Whether the record says that a dose was given. A record whose status could not be read is taken for one, so that the
 * supplier hears of its other faults in the same answer.
 */
export function isGiven({ facts: { status } }: Subject): boolean {
  return status !== 'not-done' && status !== 'entered-in-error'
}

export interface Finding {
  /** Rule id, one of the check's `rules`. */
  rule: string
  code: IssueCode
  /** FHIRPath of the elements. */
  expression: string[]
  /** What was expected, what was found, what to do. Never a patient's data. */
  text: string
  /** Certainty of the fact the finding rests on, where it is not the one of the check: L never refuses. */
  restsOn?: Certainty
}

/** Pure: the same subject gives the same finding. Undefined: nothing to say, or nobody can tell. */
export type Judge = (subject: Subject) => Finding | undefined

/** What a common check may use. */
export interface CheckScope {
  codes: CodeKnowledge
}

/** What a check of a programme file may use. */
export interface ProgrammeScope extends CheckScope {
  programme: Programme
}

/** JSON Schema (2020-12) of a check's `params`, every property described. */
export interface ParamsSchema {
  type: 'object'
  additionalProperties: false
  required?: readonly string[]
  properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export type NoParams = Readonly<Record<string, never>>
export const NO_PARAMS: ParamsSchema = { type: 'object', additionalProperties: false, properties: {} }

export interface Check<Params, Scope extends CheckScope = ProgrammeScope> {
  /** What it looks at, one sentence for clinicians. */
  readonly description: string
  /** Rule ids it can give. */
  readonly rules: readonly string[]
  /** `given`: only a dose that was given (status completed) is looked at. */
  readonly appliesTo: 'given' | 'every-status'
  readonly params: ParamsSchema
  /** What it has before it in a record, for who asks; compiled when somebody does, not for judging. */
  look(params: Params, scope: Scope): (subject: Subject) => Ground
  compile(params: Params, scope: Scope): Judge
}
