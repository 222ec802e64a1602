// Submissions that were refused, as they were sent, with the answer they got.
import type { Sql } from './sql.js'

export interface RefusedSubmission {
  submissionId: string
  receivedAt: Date
  supplier: string
  requestId: string
  httpStatus: number
  rules: readonly string[]
  payloadSha256: Buffer
  body: string
  outcome: string
}

export interface RefusalStore {
  insert(refused: readonly RefusedSubmission[]): Promise<void>
}

export function createRefusalStore(sql: Sql): RefusalStore {
  return {
    async insert(refused) {
      if (refused.length === 0) return
      await sql.query(
        `insert into refused_submission (
           submission_id, received_at, supplier, request_id, http_status, rules, payload_sha256, body, outcome
         )
         select submission_id, received_at, supplier, request_id, http_status, rules, decode(payload_sha256, 'hex'),
                body, outcome
           from json_to_recordset($1) as refused (
                  submission_id uuid, received_at timestamptz, supplier text, request_id text, http_status integer,
                  rules text[], payload_sha256 text, body text, outcome text
                )`,
        [JSON.stringify(refused.map(toRefusedRow))]
      )
    }
  }
}

function toRefusedRow(refused: RefusedSubmission): object {
  return {
    submission_id: refused.submissionId,
    received_at: refused.receivedAt,
    supplier: refused.supplier,
    request_id: refused.requestId,
    http_status: refused.httpStatus,
    rules: refused.rules,
    payload_sha256: refused.payloadSha256.toString('hex'),
    body: refused.body,
    outcome: refused.outcome
  }
}
