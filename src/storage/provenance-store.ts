// Provenance resources that came with a version.
import type { Sql } from './sql.js'

export interface RecordProvenance {
  recordId: string
  version: number
  /** JSON text of the Provenance. */
  body: string
}

export interface ProvenanceStore {
  /** What is there already, word for word, is not kept twice. */
  insert(provenances: readonly RecordProvenance[]): Promise<void>
}

export function createProvenanceStore(sql: Sql): ProvenanceStore {
  return {
    async insert(provenances) {
      if (provenances.length === 0) return
      await sql.query(
        `insert into record_provenance (record_id, version, body_sha256, body)
         select record_id, version, sha256(convert_to(body, 'UTF8')), body
           from unnest($1::uuid[], $2::integer[], $3::text[]) as sent (record_id, version, body)
             on conflict do nothing`,
        [
          provenances.map(({ recordId }) => recordId),
          provenances.map(({ version }) => version),
          provenances.map(({ body }) => body)
        ]
      )
    }
  }
}
