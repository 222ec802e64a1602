// What a destination is: one file per kind in destinations/, each exporting a DestinationKind.
import type { ImmunizationFacts } from '../fhir/immunization.js'
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { AccessTokenStore } from '../storage/access-token-store.js'
import type { Delivery, DeliveryOperation } from '../storage/delivery.js'
import type { Inbox } from './inbox/inbox.js'

export type { Delivery, DeliveryOperation }

/**
 * Which records of one vaccination a destination is sent: the survivor of each event group, every record whose
 * primarySource is true, or every record.
 */
export const SENDS = ['survivors', 'primary', 'all'] as const
export type Sends = (typeof SENDS)[number]

/**
 * Which versions of a record a destination is sent: every one, or the latest where earlier ones were never attempted.
 * An attempted one is always seen through.
 */
export const VERSIONS = ['every', 'latest'] as const
export type Versions = (typeof VERSIONS)[number]

/** How one attempt ended. Messages never hold a patient's data, nor a URL with one in it. */
export type DeliveryOutcome =
  /**
   * The receiver has it. `remote` is kept for later versions. `answerWithinMs`: whether it keeps it is told later, through
   * the inbox; whoever says nothing for so long is overdue.
   */
  | {
      kind: 'delivered'
      status?: number
      remote?: { id: string; version?: string }
      message?: string
      answerWithinMs?: number
    }
  /** 408, 425, 5xx, network, timeout. `ambiguous`: the receiver may have taken it. */
  | { kind: 'unavailable'; ambiguous: boolean; status?: number; retryAfterMs?: number; message: string }
  /** 429: the whole destination waits. */
  | { kind: 'limited'; status?: number; retryAfterMs?: number; message: string }
  /** 401 or 403 after one renewal of the credentials. */
  | { kind: 'credentials'; status?: number; message: string }
  /** A final no: a person must look. */
  | { kind: 'refused'; status?: number; message: string }
  /** Nothing to send (for example no PERSON item in an eligibility store): finished, and the reason is kept. */
  | { kind: 'not-needed'; message: string }

/** What a receiver holds of a patient, whoever sent it. */
export type RecordSearch =
  | {
      kind: 'found'
      records: { remoteId: string; facts: ImmunizationFacts }[]
      /** Left out: records of another patient than was asked for, and those that cannot be placed. */
      foreign: number
      unreadable: number
    }
  | Exclude<DeliveryOutcome, { kind: 'delivered' | 'not-needed' }>

/** What a receiver holds, beside what it should hold. Messages never hold a patient's data. */
export type ReadBack =
  | { kind: 'same' }
  /** It holds nothing, or something else than was delivered. */
  | { kind: 'missing' | 'differs'; message: string }
  /** It did not say. */
  | { kind: 'unknown'; message: string }

/** Something a destination signs in with that ends some day. */
export interface ExpiringCredential {
  /** `client certificate` */
  what: string
  expiresAt: Date
}

/** What is known of a version when deliveries are planned. Never a deleted record: that is taken back wherever it was told. */
export interface DeliveryCandidate {
  facts: ImmunizationFacts
  vaccineType: VaccineType
}

export interface Destination {
  readonly name: string
  readonly kind: string
  /** Requests in flight at the same moment, per worker process. At least 1. */
  readonly concurrency: number
  /** Fleet-wide, undefined for no limit. */
  readonly ratePerSecond?: number
  /** How long one attempt may take before it counts as unavailable and ambiguous. */
  readonly timeoutMs: number
  /** Where the receiver answers later. */
  readonly inbox?: Inbox
  /** The message of a record can say that it takes the place of another one, which then need not be deleted. */
  readonly replaces?: boolean
  /** What it is told is about the patient, not about the record: told anew when records change patients. */
  readonly followsPatient?: boolean
  /**
   * Whether it takes such a record at all, whichever of one vaccination it is. Pure: decides from the candidate alone, called inside
   * the accepting transaction. A record that it was told of and that no longer counts is taken back without asking.
   */
  wants(candidate: DeliveryCandidate): boolean
  /**
   * Sends once. Never rejects for what a receiver does; a rejection means our own fault (the mapping threw) and holds
   * the delivery at once. `signal` fires at timeoutMs or when the worker is told to stop.
   */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome>
  /** Where it can be asked what it holds: a patient's completed records of one vaccine type. Rejects as deliver does. */
  findRecords?(asked: { nhsNumber: string; vaccineType: VaccineType }, signal: AbortSignal): Promise<RecordSearch>
  /** Asks the receiver whether it holds what was delivered; writes nothing. Where it cannot be asked there is none. */
  readBack?(delivery: Delivery, signal: AbortSignal): Promise<ReadBack>
  /** Those that have an end; none where there is none. */
  readonly credentials?: readonly ExpiringCredential[]
  close(): Promise<void>
}

/** A destination as destinations.yaml has it: which of the records that it wants it is sent is no matter of its kind. */
export type ConfiguredDestination = Destination & {
  readonly sends: Sends
  /** Left out: every. */
  readonly versions?: Versions
}

/** Records that may be one vaccination count as one until a person has decided, the latest day standing for them; or each. */
export type CountedPossibleDuplicates = 'once' | 'each'

/** Totals of one patient for one or more vaccine types, computed from event groups, never incremented. */
export interface EligibilityTotals {
  nhsNumber?: string
  /** Other numbers of the same patient, which PDS has replaced by this one. */
  supersededNumbers?: string[]
  /** Days (YYYY-MM-DD, Europe/London), ascending, one per vaccination: the completed survivors of the event groups. */
  eventDays: string[]
  /** Rises with every change to the patient's groups: the receiver keeps the larger. */
  sourceVersion: number
  /** What the programme files in force say of those doses. Left out where nobody judges them. */
  doses?: {
    valid: number
    invalid: number
    /** YYYY-MM-DD; left out when no dose is valid. */
    lastValidDay?: string
  }
}

/** What a destination may use beyond its own options. */
export interface DestinationServices {
  /** Reads the present event groups of a patient. */
  readEligibilityTotals(
    patientKey: string,
    vaccineTypes: readonly VaccineType[],
    possibleDuplicates: CountedPossibleDuplicates
  ): Promise<EligibilityTotals>
  now(): Date
  /** Where the workers of the fleet share an access token. Left out: this process gets its own. */
  accessTokens?: AccessTokenStore
  /** Waits for a moment of the destination's rate, for a request that no claim has paid for. Left out: none is waited for. */
  awaitMoment?(destination: string, ratePerSecond: number, signal: AbortSignal): Promise<void>
}

/** Settings every destination has in destinations.yaml, whatever its kind. */
export interface DestinationSettings {
  name: string
  kind: string
  concurrency: number
  ratePerSecond?: number
  timeoutMs: number
  /** Vaccine types to send; undefined for all that the kind can take. */
  vaccineTypes?: VaccineType[]
}

/** One kind of destination: the single export `destinationKind` of a file in destinations/. */
export interface DestinationKind {
  /** Equals the file name without extension. */
  readonly kind: string
  readonly description: string
  /** JSON Schema (2020-12) of `options` in destinations.yaml, every property described. */
  readonly optionsSchema: Record<string, unknown>
  readonly defaults: {
    concurrency: number
    ratePerSecond?: number
    timeoutMs: number
    sends: Sends
    versions: Versions
  }
  create(settings: DestinationSettings, options: Record<string, unknown>, services: DestinationServices): Destination
}
