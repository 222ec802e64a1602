// What a search demands of a record, as data.
import type { VaccineType } from '../fhir/vaccine-types.js'

/** FHIR R4 search prefixes of dates, http://hl7.org/fhir/R4/search.html#prefix */
export type DatePrefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap'

/** From the first instant on, up to but without the second. */
export interface DateRange {
  prefix: DatePrefix
  from: Date
  until: Date
}

/** A coding or an identifier looked for. `system`: undefined for any, null for none. `code`: undefined for any. */
export interface CodeToken {
  system?: string | null
  code?: string
}

/** An element that may be absent. */
export type OptionalElement = 'lotNumber' | 'location' | 'performer' | 'profile'

/** One demand on a record: any of the values will do. Several demands must all be met. */
export type RecordFilter =
  | { kind: 'identifier'; anyOf: readonly CodeToken[] }
  | { kind: 'record-id'; anyOf: readonly string[] }
  | { kind: 'status'; anyOf: readonly string[] }
  | { kind: 'vaccine-type'; anyOf: readonly VaccineType[] }
  | { kind: 'occurrence'; anyOf: readonly DateRange[] }
  | { kind: 'last-updated'; anyOf: readonly DateRange[] }
  | { kind: 'coding'; element: 'vaccineCode' | 'targetDisease'; anyOf: readonly CodeToken[] }
  /** The identifier of who is referred to, in the reference itself or in the contained resource it points at. */
  | { kind: 'reference-identifier'; element: 'location' | 'performer'; anyOf: readonly CodeToken[] }
  /** The text of the reference; each value lists the forms that mean the same. */
  | { kind: 'reference'; element: 'location' | 'performer'; anyOf: readonly string[] }
  | { kind: 'lot-number'; match: 'start' | 'part' | 'exact'; anyOf: readonly string[] }
  /** Canonical URLs of meta.profile; one without a version means every version. */
  | { kind: 'profile'; anyOf: readonly string[] }
  | { kind: 'present'; element: OptionalElement; present: boolean }
  | { kind: 'not'; filter: RecordFilter }
  /** Every record meets it, or none. */
  | { kind: 'always'; met: boolean }
