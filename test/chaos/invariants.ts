// The invariants of the ledger once everything is delivered, each a question that must have no answer; and how many
// attempts may have sent twice. The receivers have been asked already: this finds what they cannot see.
import type { Pool } from '../../src/storage/pool.js'

const INVARIANTS: Readonly<Record<string, string>> = {
  'a version without exactly one delivery for each destination': `
select record_version.record_id
  from record_version
 cross join destination
  left join delivery using (record_id, version, destination)
 group by record_version.record_id, version, destination
having count(delivery_id) <> 1`,
  'a delivery that has not ended': `
select delivery_id
  from delivery
 where state not in ('delivered', 'superseded')`,
  'a lane in which a later version was delivered first': `
select later.delivery_id
  from delivery as later
  join delivery as earlier using (record_id, destination)
 where earlier.lane_seq < later.lane_seq
   and earlier.state = 'delivered'
   and later.state = 'delivered'
   and earlier.finished_at > later.finished_at`,
  'a delivered one without an attempt of its epoch that succeeded': `
select delivery_id
  from delivery
  left join delivery_attempt using (delivery_id, epoch)
 where state = 'delivered'
   and coalesce(outcome, '') not in ('delivered', 'not-needed')`,
  'a delivery that gave way to nothing': `
select given_up.delivery_id
  from delivery as given_up
  left join delivery as later
    on later.delivery_id = given_up.superseded_by
   and later.record_id = given_up.record_id
   and later.lane_seq > given_up.lane_seq
 where given_up.state = 'superseded'
   and given_up.operation <> 'delete'
   and later.delivery_id is null`,
  'versions of a record that are not numbered one by one': `
select record_id
  from record_version
  join record using (record_id)
 group by record_id, current_version
having count(*) <> current_version`
}

/** In words, with how many there are. */
export async function findBrokenInvariants(pool: Pool): Promise<string[]> {
  const broken: string[] = []
  for (const [name, question] of Object.entries(INVARIANTS)) {
    const { rowCount } = await pool.query(question)
    if ((rowCount ?? 0) > 0) broken.push(`${rowCount} times ${name}`)
  }
  return broken
}

/** Attempts whose process died, or that ended without it being known what the receiver did, by destination. */
export async function countDoubtfulAttempts(pool: Pool): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ destination: string; count: number }>(
    `select destination, count(*)::integer as count
       from delivery_attempt
       join delivery using (delivery_id)
      where ended_at is null
         or outcome in ('unavailable', 'stopped', 'fault')
      group by destination`
  )
  return new Map(rows.map(({ destination, count }) => [destination, count]))
}

/** Attempts that nobody brought to an end: their process died. */
export async function countCrashes(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    'select count(*)::integer as count from delivery_attempt where ended_at is null'
  )
  return rows[0]?.count ?? 0
}

export async function countUnfinished(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ state: string; count: number }>(
    `select destination || ' ' || state as state, count(*)::integer as count
       from delivery
      where state not in ('delivered', 'superseded')
      group by 1
      order by 1`
  )
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
}
