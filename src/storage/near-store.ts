// What a new record can be compared with, and what its programme must know of the rest: read by index, never a whole patient.
import type { VaccineType } from '../fhir/vaccine-types.js'
import { toEvent, type EventRow, type KnownEvent } from './event-store.js'
import { FIND_BESIDE, FIND_IN_BLOCKS, FIND_NEAR } from './near-queries.js'
import type { Sql } from './sql.js'

/** Records of one vaccine type between two days (YYYY-MM-DD, both included); those nearest to `day` first. */
export interface EventZone {
  vaccineType: VaccineType
  from: string
  to: string
  day: string
}

export interface PatientZone extends EventZone {
  patientKey: string
}

/** People of one date of birth, family name and postcode. */
export interface BlockZone extends EventZone {
  blockKey: string
  /** Whoever is sure of the number is looked for only among those who are not. */
  isIdentified: boolean
}

/** An event that intervals are counted from: the record of it that counts. */
export interface EventBeside {
  recordId: string
  day: string
  vaccineType: VaccineType
  antigens: string[]
}

export interface PatientDay {
  patientKey: string
  day: string
  /** Test data are another world: they have only test data beside them, and real records only real ones. */
  isTest: boolean
}

export interface NearStore {
  /**
   * Records that count in these zones, at most `limit` before and after the day of each, and these ones (`asked`); and the
   * members of the groups they are in.
   */
  findNear(wanted: {
    zones: readonly PatientZone[]
    recordIds: readonly string[]
    limit: number
  }): Promise<{ event: KnownEvent; asked: boolean }[]>
  /**
   * Of every vaccine type that the patient has had, the last event before the day, one on it, the first after it; without
   * these records.
   */
  findBeside(asked: readonly PatientDay[], without: readonly string[]): Promise<(EventBeside & { asked: PatientDay })[]>
  /**
   * Until the transaction ends, whoever is not sure of a number of one of these blocks is alone there; the sure ones let
   * one another in.
   */
  lockBlocks(blocks: ReadonlyMap<string, 'shared' | 'alone'>): Promise<void>
  /** Records that count in these zones, whosever they are; at most `limit` before and after the day of each. */
  findInBlocks(zones: readonly BlockZone[], limit: number): Promise<{ event: KnownEvent; blockKey: string }[]>
}

export function createNearStore(sql: Sql): NearStore {
  return {
    async findNear({ zones, recordIds, limit }) {
      if (zones.length === 0 && recordIds.length === 0) return []
      const { rows } = await sql.query<EventRow & { asked: boolean }>(FIND_NEAR, [
        JSON.stringify(zones.map((zone) => ({ patient_key: zone.patientKey, ...toZoneRow(zone) }))),
        recordIds,
        limit
      ])
      return rows.map((row) => ({ event: toEvent(row), asked: row.asked }))
    },

    async findBeside(asked, without) {
      if (asked.length === 0) return []
      const { rows } = await sql.query<BesideRow>(FIND_BESIDE, [
        JSON.stringify(asked.map(({ patientKey, day, isTest }) => ({ patient_key: patientKey, day, is_test: isTest }))),
        without
      ])
      return rows.map((row) => ({
        asked: { patientKey: row.patient_key, day: row.asked_day, isTest: row.asked_test },
        recordId: row.record_id,
        day: row.occurrence_day,
        vaccineType: row.vaccine_type,
        antigens: row.antigens
      }))
    },

    async lockBlocks(blocks) {
      if (blocks.size === 0) return
      const keys = [...blocks.keys()].sort()
      await sql.query(LOCK_BLOCKS, [keys, keys.map((key) => blocks.get(key) === 'alone')])
    },

    async findInBlocks(zones, limit) {
      if (zones.length === 0) return []
      const { rows } = await sql.query<EventRow & { block_key: string }>(FIND_IN_BLOCKS, [
        JSON.stringify(
          zones.map((zone) => ({ block_key: zone.blockKey, is_identified: zone.isIdentified, ...toZoneRow(zone) }))
        ),
        limit
      ])
      return rows.map((row) => ({ event: toEvent(row), blockKey: row.block_key }))
    }
  }
}

const LOCK_BLOCKS = `
select case
         when is_alone then pg_advisory_xact_lock(lock_key)
         else pg_advisory_xact_lock_shared(lock_key)
       end
  from (
         select hashtextextended(block_key, 5) as lock_key, bool_or(is_alone) as is_alone
           from unnest($1::text[], $2::boolean[]) as wanted (block_key, is_alone)
          group by 1
          order by 1
       ) ordered`

interface BesideRow {
  asked_day: string
  asked_test: boolean
  patient_key: string
  record_id: string
  occurrence_day: string
  vaccine_type: VaccineType
  antigens: string[]
}

function toZoneRow({ vaccineType, from, to, day }: EventZone): object {
  return { vaccine_type: vaccineType, from_day: from, to_day: to, day }
}
