// One version of one record on its way to one destination.
import type { VaccineType } from '../fhir/vaccine-types.js'

export type DeliveryOperation = 'create' | 'update' | 'delete' | 'reinstate'

/** How a receiver learns that another record has taken the place of this one: by a deletion, or by that one's message. */
export type Takeover = 'withdrawn' | 'replaced'

/** One version of one record on its way to one destination, as the worker claimed it. */
export interface Delivery {
  /** UUID. The stable idempotency key: the same on every attempt, sent as X-Request-ID (or the receiver's equal). */
  deliveryId: string
  destination: string
  recordId: string
  patientKey: string
  version: number
  operation: DeliveryOperation
  vaccineType: VaccineType
  /** Client name of the supplier that sent this version. */
  supplier: string
  /** When this version was received here. */
  changedAt: Date
  /** The Immunization as stored (JSON text). For a delete: the last version before it. */
  body: string
  /** Counts from 1 within the current series of attempts. */
  attempt: number
  /** Fencing number: rises with every claim, a finish with an older one is ignored. */
  epoch: number
  /** True when an earlier attempt may have reached the receiver: ask before sending again. */
  outcomeUnknown: boolean
  /** What the receiver called this record after an earlier delivery. */
  remote?: { id: string; version?: string }
  /**
   * Records whose place this one takes, with what was kept as their `remote.version`: what is sent must say so, because
   * nothing else will be sent of them. Only where the destination `replaces`.
   */
  replaces?: readonly { recordId: string; version: string }[]
  /** Of a delete: the receiver was told of it by the message of the record that took its place. */
  toldBySuccessor?: boolean
}
