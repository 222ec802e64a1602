// Which lines of the log are counted, and as what.
import type { Log } from './queue/log.js'
import type { FleetTally } from './fleet-tally.js'

/** The same log, whose lines are counted as they pass. */
export function countLines(log: Log, tally: FleetTally): Log {
  const through = (level: 'info' | 'warn' | 'error') => (fields: object, line: string) => {
    COUNTERS[line]?.(fields as Fields, tally)
    log[level](fields, line)
  }
  return { info: through('info'), warn: through('warn'), error: through('error') }
}

type Fields = Record<string, unknown>

const COUNTERS: Readonly<Record<string, (fields: Fields, tally: FleetTally) => void>> = {
  'delivery.attempted': countAttempt,
  'deliveries.superseded': (fields, tally) => {
    const labels = { destination: word(fields, 'destination') }
    tally.add('imms_deliveries_superseded_total', labels, number(fields, 'deliveries'))
  },
  'delivery.lease_over': (fields, tally) => {
    tally.add('imms_sweep_repairs_total', { kind: 'lease', destination: word(fields, 'destination') })
  },
  'relay.jobs_lost': (fields, tally) => {
    const labels = { kind: 'queued', destination: word(fields, 'destination') }
    tally.add('imms_sweep_repairs_total', labels, number(fields, 'deliveries'))
  },
  'relay.headless_lanes': (fields, tally) => {
    tally.add('imms_sweep_repairs_total', { kind: 'lane', destination: 'any' }, number(fields, 'lanes'))
  },
  'queue.lost': (fields, tally) => {
    tally.add('imms_queue_epoch_changes_total', { engine: word(fields, 'engine') })
  },
  'relay.duty_failed': (fields, tally) => {
    tally.add('imms_relay_duty_failures_total', { duty: word(fields, 'duty') })
  },
  'http.answered': countAnswer
}

function countAttempt(fields: Fields, tally: FleetTally): void {
  const destination = word(fields, 'destination')
  const outcome = word(fields, 'outcome')
  tally.add('imms_attempts_total', { destination, outcome })
  tally.observe('imms_attempt_duration_seconds', { destination }, number(fields, 'duration_ms') / 1_000)
  if (typeof fields['claim_ms'] === 'number')
    tally.observe('imms_claim_duration_seconds', { destination }, fields['claim_ms'] / 1_000)
  if (fields['state'] === 'fenced') tally.add('imms_fenced_finishes_total', { destination })
  // An earlier attempt may have arrived, and this one arrived too.
  if (fields['outcome_unknown'] === true && outcome === 'delivered')
    tally.add('imms_duplicates_suspected_total', { destination })
}

const SUBMISSION = /^\/FHIR\/R4(?:\/Immunization(?:\/:id)?)?$/

function countAnswer(fields: Fields, tally: FleetTally): void {
  const route = word(fields, 'route')
  const method = word(fields, 'method')
  const status = number(fields, 'status')
  tally.add('imms_http_requests_total', { method, route, status: String(status) })
  const seconds = number(fields, 'duration_ms') / 1_000
  tally.observe('imms_http_request_duration_seconds', { method, route }, seconds)
  if (method === 'GET' || method === 'HEAD' || !SUBMISSION.test(route)) return
  tally.add('imms_submissions_total', { result: status < 400 ? 'accepted' : status < 500 ? 'refused' : 'failed' })
}

function word(fields: Fields, name: string): string {
  const value = fields[name]
  return typeof value === 'string' ? value : 'unknown'
}

function number(fields: Fields, name: string): number {
  const value = fields[name]
  return typeof value === 'number' ? value : 0
}
