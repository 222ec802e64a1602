// Merges of NHS numbers: which number was superseded by which, who said so, and whether it was undone.
import type { Sql } from './sql.js'

/** One merge, without a number: patients are named by their keys. */
export interface PatientMerge {
  mergeId: string
  supersededKey: string
  successorKey: string
  mergedAt: Date
  mergedBy: string
  reason: string
  undoneAt: Date | null
  undoneBy: string | null
  undoneReason: string | null
}

export interface PatientMergeStore {
  /** `groupsBefore`: record id -> event group id of both patients before the merge. */
  insert(
    merge: Omit<PatientMerge, 'undoneAt' | 'undoneBy' | 'undoneReason'>,
    groupsBefore: ReadonlyMap<string, string>
  ): Promise<void>
  find(mergeId: string): Promise<PatientMerge | undefined>
  /** Merges in which these patients stand on either side, oldest first, undone ones too. */
  list(patientKeys: readonly string[]): Promise<PatientMerge[]>
  findGroupsBefore(mergeId: string): Promise<Map<string, string>>
  /** False when it was undone already. */
  undo(mergeId: string, undone: { at: Date; by: string; reason: string }): Promise<boolean>
}

export function createPatientMergeStore(sql: Sql): PatientMergeStore {
  return {
    async insert(merge, groupsBefore) {
      await sql.query(
        `insert into patient_merge (
           merge_id, superseded_key, successor_key, merged_at, merged_by, reason, groups_before
         )
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [
          merge.mergeId,
          merge.supersededKey,
          merge.successorKey,
          merge.mergedAt,
          merge.mergedBy,
          merge.reason,
          JSON.stringify(Object.fromEntries(groupsBefore))
        ]
      )
    },

    async find(mergeId) {
      const { rows } = await sql.query<PatientMerge>(`${SELECT_MERGES} where merge_id = $1`, [mergeId])
      return rows[0]
    },

    async list(patientKeys) {
      const { rows } = await sql.query<PatientMerge>(
        `${SELECT_MERGES} where superseded_key = any ($1) or successor_key = any ($1) order by merged_at, merge_id`,
        [patientKeys]
      )
      return rows
    },

    async findGroupsBefore(mergeId) {
      const { rows } = await sql.query<{ groups_before: Record<string, string> }>(
        'select groups_before from patient_merge where merge_id = $1',
        [mergeId]
      )
      return new Map(Object.entries(rows[0]?.groups_before ?? {}))
    },

    async undo(mergeId, { at, by, reason }) {
      const { rowCount } = await sql.query(
        `update patient_merge
            set undone_at = $2, undone_by = $3, undone_reason = $4
          where merge_id = $1 and undone_at is null`,
        [mergeId, at, by, reason]
      )
      return rowCount === 1
    }
  }
}

const SELECT_MERGES = `
select merge_id as "mergeId",
       superseded_key as "supersededKey",
       successor_key as "successorKey",
       merged_at as "mergedAt",
       merged_by as "mergedBy",
       reason,
       undone_at as "undoneAt",
       undone_by as "undoneBy",
       undone_reason as "undoneReason"
  from patient_merge`
