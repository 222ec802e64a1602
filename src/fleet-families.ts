// What the whole fleet counts, by name.

export type FleetFamily =
  | { type: 'counter'; help: string }
  /** `buckets`: upper bounds in seconds, ascending; whatever is above the last is counted too. */
  | { type: 'histogram'; help: string; buckets: readonly number[] }

/** What the fleet counts: every family is told of, also before anything was counted. */
export const FLEET_FAMILIES: Readonly<Record<string, FleetFamily>> = {
  imms_submissions_total: {
    type: 'counter',
    help: 'Submissions by result: accepted, refused (a fault of the sender), failed (ours); a Bundle counts once'
  },
  imms_http_requests_total: { type: 'counter', help: 'Answers by method, route and status' },
  imms_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time to an answer by method and route',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
  },
  imms_attempts_total: { type: 'counter', help: 'Attempts that ended, by destination and outcome' },
  imms_attempt_duration_seconds: {
    type: 'histogram',
    help: 'Time of an attempt by destination',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
  },
  imms_claim_duration_seconds: {
    type: 'histogram',
    help: 'Time it took to take the delivery of an attempt, by destination',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
  },
  imms_deliveries_superseded_total: {
    type: 'counter',
    help: 'Deliveries never attempted that gave way to a later state, or to another record, as submissions came in'
  },
  imms_fenced_finishes_total: {
    type: 'counter',
    help: 'Attempts whose end was not written because another worker has the delivery by now'
  },
  imms_duplicates_suspected_total: {
    type: 'counter',
    help: 'Deliveries that arrived after an earlier attempt that may have arrived too'
  },
  imms_sweep_repairs_total: {
    type: 'counter',
    help: 'Deliveries that a sweep took up again: lease (a worker died), queued (a job was lost), lane (no head)'
  },
  imms_queue_epoch_changes_total: { type: 'counter', help: 'Times that the queue had lost everything' },
  imms_relay_duty_failures_total: { type: 'counter', help: 'Rounds of a relay that failed, by duty' }
}
