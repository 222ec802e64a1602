import { loadRules } from './src/rules.js'
import { createDatabase } from './src/storage/database.js'
import { startEmbeddedPostgres } from './src/embedded/start-embedded-postgres.js'
import { createPool } from './src/storage/pool.js'
import { migrate } from './src/storage/migrate.js'
import { createIngest } from './src/ingest/ingest.js'
import { parseJson } from './src/fhir/parse-json.js'
import { parsePermissions } from './src/fhir/caller.js'
import { syntheticImmunization } from './test/support/synthetic.js'
import { uuidv7 } from 'uuidv7'
import { readFileSync } from 'node:fs'
const rules = await loadRules()
const pg = await startEmbeddedPostgres({ stateDir: '/var/lib/smoke-pg2', settings: process.env.PGS ? JSON.parse(process.env.PGS) : {}, onLog: process.env.PGLOG ? (l) => console.log(l) : undefined })
const pool = createPool(pg.connection)
await migrate(pool)
await pool.query('truncate patient, record, refused_submission, event_group, pair_decision, replay, audit_chain cascade')
const times = new Map<string,[number,number]>()
const wrapped: any = { query: timed(pool.query.bind(pool)), connect: async () => { const c = await pool.connect(); return { query: timed(c.query.bind(c)), release: (e: any) => c.release(e) } } }
function timed(f: any) { return async (t: string, v: any) => { const b = performance.now(); try { return await f(t, v) } finally { const k = t.trim().replace(/\s+/g,' ').slice(0, 60) ; const e = times.get(k) ?? [0,0]; e[0] += performance.now() - b; e[1]++; times.set(k, e) } } }
const database = createDatabase(wrapped)
const chain = uuidv7(); await database.stores.audit.openChain(chain, 'smoke')
const ingest = createIngest({ database, validator: rules.validator, rules, destinations: ['a','b','c'].map(name => ({name, wants: () => true})), now: () => new Date(), newId: uuidv7, auditChainId: chain, onCommitted(){}, onFault: (e) => console.error('FAULT', e) })
const caller = { client: 'x', scopes: new Set() as any, permissions: parsePermissions(['*.CRUDS']), changedResend: 'conflict' as const }
function cpuOf(pid: number) { let t = 0; const all = (p: number) => { try { const f = readFileSync(`/proc/${p}/stat`, 'utf8').split(') ')[1]!.split(' '); t += +f[11]! + +f[12]!; for (const c of readFileSync(`/proc/${p}/task/${p}/children`, 'utf8').trim().split(' ')) if (c) all(+c) } catch {} }; all(pid); return t * 10 }
let n = 0; const N = +(process.env.N ?? 4000)
for (let r = 0; r < 4; r++) {
times.clear()
const bodies = Array.from({ length: N }, () => Buffer.from(JSON.stringify(syntheticImmunization({ n: n++, vaccineType: 'FLU' }))))
const t = Date.now(); const cpu = process.cpuUsage(); const pc = cpuOf(pg.pid)
await Promise.all(Array.from({ length: 64 }, async () => { while (bodies.length) { const b = bodies.pop()!; const v = (await ingest.accept([{ kind: 'create', payload: parseJson(b), caller, requestId: 'r', receivedAt: new Date() }]))[0]!; if (v.status !== 201) { console.log(JSON.stringify(v.issues)); process.exit(1) } } }))
const c = process.cpuUsage(cpu)
console.log('rate', (N / ((Date.now() - t) / 1000)).toFixed(0), 'node cpu us/record', ((c.user + c.system) / N).toFixed(0), 'pg cpu us/record', ((cpuOf(pg.pid) - pc) * 1000 / N).toFixed(0))
}
console.log([...times].sort((a,b)=>b[1][0]-a[1][0]).slice(0,14).map(([k,[t,n]])=>`${t.toFixed(0)}ms n=${n} ${(t/n).toFixed(2)} ${k}`).join('\n'))
await pool.end(); await pg.stop(); process.exit(0)
