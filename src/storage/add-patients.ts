// Patients are known by a key of ours as soon as anything names their NHS number.
import type { Sql } from './sql.js'

/**
 * `newKeys`: by NHS number; one that is known keeps its key. In the order of the numbers, whoever else adds some. Gives how
 * many were not known.
 */
export async function addPatients(sql: Sql, newKeys: ReadonlyMap<string, string>): Promise<number> {
  if (newKeys.size === 0) return 0
  const numbers = [...newKeys.keys()].sort()
  const { rowCount } = await sql.query(
    `insert into patient (patient_key, nhs_number)
     select patient_key, nhs_number
       from unnest($1::uuid[], $2::text[]) as made (patient_key, nhs_number)
         on conflict (nhs_number) do nothing`,
    [numbers.map((number) => newKeys.get(number)), numbers]
  )
  return rowCount
}
