// Metrics of the whole fleet: counted from the lines of the log, added up in the database, told by any process.
import t from 'tap'
import { countLines } from '../src/count-lines.js'
import { FLEET_FAMILIES } from '../src/fleet-families.js'
import { createFleetMetrics } from '../src/fleet-metrics.js'
import { createFleetTally } from '../src/fleet-tally.js'
import { createHeartbeat } from '../src/heartbeat.js'
import { writeCounts } from '../src/metric-text.js'
import { createDatabase } from '../src/storage/database.js'
import { createSupersededLog } from '../src/superseded-log.js'
import { woundHub } from './cli/wounded-hub.js'
import { createTestLog } from './support/delivery-rig.js'
import { startHub } from './support/running-hub.js'
import { createTestDatabase } from './support/test-database.js'

const ATTEMPT = { destination: 'gp-record', outcome: 'delivered', state: 'delivered', duration_ms: 120, claim_ms: 40 }

t.test('a line is written and counted, and its labels name nothing of a record', (t) => {
  const log = createTestLog()
  const tally = createFleetTally()
  const counted = countLines(log, tally)

  counted.info({ ...ATTEMPT, record_id: 'r-1', delivery_id: 'd-1' }, 'delivery.attempted')
  counted.warn({ ...ATTEMPT, state: 'fenced', outcome_unknown: true }, 'delivery.attempted')
  counted.warn({ destination: 'gp-record', deliveries: 7 }, 'relay.jobs_lost')
  counted.warn({ engine: 'redis', deliveries: 3 }, 'queue.lost')
  createSupersededLog(counted)(new Map([['gp-record', 4]]))
  counted.info({ method: 'POST', route: '/FHIR/R4/Immunization', status: 422, duration_ms: 9 }, 'http.answered')
  counted.info({ method: 'GET', route: '/FHIR/R4/Immunization/:id', status: 200, duration_ms: 9 }, 'http.answered')
  counted.info({ anything: 1 }, 'service.stopping')

  t.equal(log.lines.length, 8)
  const counts = Object.fromEntries(tally.take().map(({ name, labels, value }) => [`${name}{${labels}}`, value]))
  t.match(counts, {
    'imms_attempts_total{destination="gp-record",outcome="delivered"}': 2,
    'imms_attempt_duration_seconds_bucket{destination="gp-record",le="0.25"}': 2,
    'imms_fenced_finishes_total{destination="gp-record"}': 1,
    'imms_duplicates_suspected_total{destination="gp-record"}': 1,
    'imms_sweep_repairs_total{kind="queued",destination="gp-record"}': 7,
    'imms_queue_epoch_changes_total{engine="redis"}': 1,
    'imms_deliveries_superseded_total{destination="gp-record"}': 4,
    'imms_submissions_total{result="refused"}': 1,
    'imms_http_requests_total{method="POST",route="/FHIR/R4/Immunization",status="422"}': 1
  })
  t.notMatch(JSON.stringify(counts), /r-1|d-1/)
  t.same(tally.take(), [], 'what was taken is not counted again')
  t.end()
})

t.test('a histogram is cumulative and has every bucket', (t) => {
  const tally = createFleetTally()
  for (const seconds of [0.01, 0.2, 0.2, 99])
    tally.observe('imms_attempt_duration_seconds', { destination: 'a' }, seconds)

  const text = writeCounts(tally.take())

  const lines = text.split('\n').filter((line) => line.startsWith('imms_attempt_duration_seconds'))
  t.equal(lines[0], 'imms_attempt_duration_seconds_bucket{destination="a",le="0.05"} 1')
  t.ok(lines.includes('imms_attempt_duration_seconds_bucket{destination="a",le="0.25"} 3'))
  t.ok(lines.includes('imms_attempt_duration_seconds_bucket{destination="a",le="60"} 3'))
  t.ok(lines.includes('imms_attempt_duration_seconds_bucket{destination="a",le="+Inf"} 4'))
  t.ok(lines.includes('imms_attempt_duration_seconds_count{destination="a"} 4'))
  t.equal(lines.length, 13)
  for (const name of Object.keys(FLEET_FAMILIES)) t.match(text, `# HELP ${name} `)
  t.end()
})

t.test('several processes count together, and one that has ended takes nothing back', async (t) => {
  const { pool } = await createTestDatabase(t)
  const { stores } = createDatabase(pool)
  const beats = ['a', 'b', 'c'].map((name) => {
    const tally = createFleetTally()
    const heartbeat = createHeartbeat({
      store: stores.processes,
      tally,
      processId: crypto.randomUUID(),
      name,
      roles: ['worker'],
      readPool: () => ({ totalCount: 3, idleCount: 1, waitingCount: 0 }),
      log: createTestLog(),
      clock: () => Date.now() + 2_000
    })
    return { tally, heartbeat }
  })
  await Promise.all(beats.map(({ heartbeat }) => heartbeat.start()))
  for (const { tally } of beats) tally.add('imms_attempts_total', { destination: 'x', outcome: 'delivered' }, 5)

  const running = await stores.processes.list()
  await Promise.all(beats.map(({ heartbeat }) => heartbeat.stop()))

  t.same(running.map(({ name }) => name).sort(), ['a', 'b', 'c'])
  for (const { clockSkewMs, gauges } of running) {
    t.ok(clockSkewMs > 1_000 && clockSkewMs < 3_000, `${clockSkewMs} ms: the clock is two seconds ahead`)
    t.match(gauges, { poolOpen: 3, poolIdle: 1, poolWaiting: 0 })
  }
  t.same(await stores.processes.list(), [])
  t.same(await stores.processes.readCounts(), [
    { name: 'imms_attempts_total', labels: 'destination="x",outcome="delivered"', value: 15 }
  ])
})

t.test('counts that could not be written are written with the next', async (t) => {
  const tally = createFleetTally()
  const written: number[] = []
  let isDown = true
  const heartbeat = createHeartbeat({
    store: {
      report: () => Promise.resolve(Date.now()),
      remove: () => Promise.resolve(),
      removeSilent: () => Promise.resolve(),
      list: () => Promise.resolve([]),
      readCounts: () => Promise.resolve([]),
      addCounts(counts) {
        if (isDown) return Promise.reject(new Error('PostgreSQL is away'))
        for (const { value } of counts) written.push(value)
        return Promise.resolve()
      }
    },
    tally,
    processId: crypto.randomUUID(),
    name: 'a',
    roles: [],
    readPool: () => ({ totalCount: 0, idleCount: 0, waitingCount: 0 }),
    log: createTestLog(),
    clock: Date.now
  })
  tally.add('imms_attempts_total', {}, 2)
  await heartbeat.start()
  tally.add('imms_attempts_total', {}, 3)
  isDown = false
  await heartbeat.stop()

  t.same(written, [5])
})

t.test('the gauges tell of a wounded hub, and the database is asked once for many scrapes', async (t) => {
  const { pool } = await createTestDatabase(t)
  const database = createDatabase(pool)
  await woundHub(pool)
  let asked = 0
  const { ops } = database.stores
  const counting = {
    ...database,
    stores: {
      ...database.stores,
      ops: {
        ...ops,
        readLaneGauges() {
          asked += 1
          return ops.readLaneGauges()
        }
      }
    }
  }
  const read = createFleetMetrics({ database: counting, queues: { engine: 'redis', isReady: () => false } })

  const [text] = await Promise.all([read(), read(), read()])

  t.equal(asked, 1)
  for (const line of [
    'imms_database_up 1',
    'imms_deliveries{destination="gp-record",state="held"} 2',
    'imms_deliveries{destination="nhs-immunisation-api",state="blocked"} 1',
    'imms_held{destination="gp-record",class="refused"} 2',
    'imms_breaker_open{destination="gp-record"} 1',
    'imms_breaker_open{destination="eligibility-store"} 0',
    'imms_destination_paused{destination="gp-record"} 0',
    'imms_oldest_due_seconds{destination="gp-record"} 0',
    'imms_oldest_undelivered_seconds{destination="eligibility-store"} 0',
    'imms_queue_ready{engine="redis"} 0',
    'imms_processes{role="worker"} 0'
  ])
    t.ok(text.split('\n').includes(line), line)
  t.match(text, /^imms_oldest_undelivered_seconds\{destination="gp-record"\} \d+/m)
})

t.test('while PostgreSQL is away the metrics say so, and nothing else', async (t) => {
  const { pool } = await createTestDatabase(t)
  const database = createDatabase(pool)
  const stores = {
    ...database.stores,
    ops: { ...database.stores.ops, readLaneGauges: () => Promise.reject(new Error()) }
  }

  const text = await createFleetMetrics({
    database: { ...database, stores },
    queues: { engine: 'postgres', isReady: () => true }
  })()

  t.match(text, /^imms_database_up 0$/m)
  t.notMatch(text, 'imms_deliveries')
})

t.test('a running service tells of itself at /metrics', async (t) => {
  const hub = await startHub(t)
  const token = await hub.token({ scopes: ['ops/read'] })

  const answer = await fetch(`${hub.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  const text = await answer.text()

  t.equal(answer.status, 200)
  t.match(text, 'imms_programmes{status="active"}')
  t.match(text, 'imms_processes{role="api"} 1')
  t.match(text, /^imms_event_loop_lag_seconds\{process="[^"]+\/\d+"\} [\d.e-]+$/m)
  t.match(text, /^imms_postgres_database_bytes \d+$/m)
  for (const line of text.split('\n').filter((line) => line !== '' && !line.startsWith('#')))
    t.match(line, /^[a-z_]+(\{.*\})? -?[\d.e+-]+$/, line)
})
