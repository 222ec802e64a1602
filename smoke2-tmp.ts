import { startEmbeddedPostgres } from './src/embedded/start-embedded-postgres.js'
import { createPool } from './src/storage/pool.js'
const pg = await startEmbeddedPostgres({ stateDir: '/var/lib/smoke-pg2' })
const pool = createPool(pg.connection)
const c = await pool.connect()
await c.query('begin; set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off; set local jit = off')
const keys = (await c.query('select patient_key from patient order by random() limit 64')).rows.map(r => r.patient_key)
const q = `select print.record_id, print.patient_key, print.occurrence_day, print.antigens, print.features,
                record.vaccine_type, record.deleted, member.group_id,
                grouped.survivor_record_id = print.record_id as is_survivor
           from fingerprint print
           join record using (record_id)
           join event_group_member member using (record_id)
           join event_group grouped on grouped.group_id = member.group_id
          where print.patient_key = any ($1)
          order by print.patient_key, print.occurrence_day, print.record_id`
for (const r of (await c.query('explain (analyze, buffers) ' + q, [keys])).rows) console.log(r['QUERY PLAN'])
await c.query('rollback'); c.release(); await pool.end(); await pg.stop(); process.exit(0)
