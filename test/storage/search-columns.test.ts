import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { endOfFhirDateTime, parseFhirDateTime } from '../../src/fhir/dates.js'
import { migrate } from '../../src/storage/migrate.js'
import { createEmptyDatabase } from '../support/test-database.js'

const MIGRATIONS = new URL('../../src/storage/migrations/', import.meta.url)

t.test('records from before searches had columns get them from their bodies', async (t) => {
  const { pool } = await createEmptyDatabase(t)
  const folder = await mkdtemp(join(tmpdir(), 'imms-migrations-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const name of (await readdir(MIGRATIONS)).filter((file) => file < '004'))
    await writeFile(join(folder, name), await readFile(new URL(name, MIGRATIONS)))
  await migrate(pool, pathToFileURL(`${folder}/`))

  const occurrences = [
    '2026',
    '2026-03',
    '2026-10-25',
    '2026-06-01',
    '2026-03-04T10:30:15+01:00',
    '2026-03-04T10:30:15.1239Z'
  ]
  await pool.query(`insert into patient (patient_key) values (gen_random_uuid())`)
  for (const [index, occurrence] of occurrences.entries()) {
    const parsed = parseFhirDateTime(occurrence)
    // The first one was deleted: what it was stands in the version before.
    const versions = index === 0 ? 2 : 1
    await pool.query(
      `with head as (
         insert into record
         select gen_random_uuid(), patient_key, 'https://s.test', $1, 'supplier', 'FLU', 'completed', $2, $2 > 1, $3, $4, '', '', now()
           from patient
         returning record_id, patient_key
       )
       insert into record_version (record_id, version, patient_key, operation, supplier, received_at, payload_sha256, body)
       select record_id, version, patient_key, 'create', 'supplier', now(), '', case version when 1 then $5 end
         from head, generate_series(1, $2) version`,
      [
        occurrence,
        versions,
        parsed?.londonDay,
        parsed?.from,
        JSON.stringify({ occurrenceDateTime: occurrence, ...(index === 1 ? {} : { lotNumber: `L${index}` }) })
      ]
    )
  }

  await migrate(pool)

  const { rows } = await pool.query<{ occurrence: string; until: Date; lot_number: string | null; start: Date }>(
    `select identifier_value as occurrence, occurrence_until as until, lot_number,
            occurrence_start(identifier_value) as start
       from record
      order by identifier_value`
  )
  t.equal(rows.length, occurrences.length)
  for (const { occurrence, until, lot_number, start } of rows) {
    const parsed = parseFhirDateTime(occurrence)
    if (parsed === undefined) throw new Error(occurrence)
    t.same(until, endOfFhirDateTime(parsed, 1), `${occurrence} ends where the service says`)
    t.same(start, parsed.from, `${occurrence} begins where the service says`)
    t.equal(lot_number, occurrence === '2026-03' ? null : `L${occurrences.indexOf(occurrence)}`)
  }
})
