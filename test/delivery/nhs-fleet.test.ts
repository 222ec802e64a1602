// What the workers of a fleet share towards the NHS API: one access token, and one rate for all requests.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import { shareTokens } from '../../src/delivery/nhs/shared-tokens.js'
import type { TokenResult, TokenSource } from '../../src/delivery/nhs/token-source.js'
import { sandboxDestinations } from '../../src/sandbox/destinations.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { forkSandbox } from '../../src/sandbox/process.js'
import { createDatabase } from '../../src/storage/database.js'
import type { AccessTokenStore } from '../../src/storage/access-token-store.js'
import type { NhsWorkerStart } from '../support/nhs-worker.js'
import { seedRecords } from '../support/seed-deliveries.js'
import { createTestDatabase } from '../support/test-database.js'
import { syntheticImmunization } from './synthetic.js'

const NHS = 'nhs-immunisation-api'

t.test('three worker processes share one token and one rate, though every delivery asks twice', async (t) => {
  const sandbox = await forkSandbox()
  t.teardown(() => sandbox.close())
  const { pool, connection } = await createTestDatabase(t)
  const records = await seedRecords(pool, 20, { destinations: [NHS] })
  for (const { recordId } of records)
    await pool.query('update record_version set body = $2 where record_id = $1', [
      recordId,
      JSON.stringify(syntheticImmunization())
    ])
  // In doubt: each is searched for before it is created.
  await pool.query(`update delivery set state = 'verify', outcome_unknown = true`)
  const { options } = sandboxDestinations(sandbox.url, sandbox.keys).find(({ kind }) => kind === NHS)!
  const deliveryIds = records.flatMap((record) => record.deliveryIds)
  const start = { connection, options, deliveryIds, ratePerSecond: 20, concurrency: 4 }

  const workers = await Promise.all([startWorker(start), startWorker(start), startWorker(start)])
  await Promise.all(workers.map((work) => work()))

  const { rows } = await pool.query<{ workers: number; delivered: number; first: Date }>(
    `select count(distinct worker)::integer as workers, count(*) filter (where outcome = 'delivered')::integer as delivered,
            min(started_at) as first
       from delivery_attempt`
  )
  t.match(rows, [{ delivered: 20 }])
  t.ok((rows[0]?.workers ?? 0) > 1, 'more than one process had a share')
  const answer = async <Answer>(path: string): Promise<Answer> =>
    (await (await fetch(`${sandbox.url}${path}`)).json()) as Answer
  t.same(await answer('/tokens'), { issued: 1 }, 'one token for all')

  const times = (await answer<JournalEntry[]>(`/journal?destination=${NHS}`)).map(({ at }) => Date.parse(at)).sort()
  t.equal(times.length, 40, 'a search and a write for each')
  const firstMs = rows[0]?.first.getTime() ?? 0
  const early = times.filter((at, place) => at < firstMs + place * 50 - 10)
  t.same(early, [], 'no request came before its moment: 20 a second')
  const most = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length))
  t.ok(most <= 40, `at most 40 in any second: ${most}`)
})

/** Resolves once it is ready; what it gives makes it work, to the end. */
async function startWorker(start: NhsWorkerStart): Promise<() => Promise<void>> {
  const script = fileURLToPath(new URL('../support/nhs-worker.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import=tsx', script, JSON.stringify(start)], {
    env: { PATH: process.env['PATH'] },
    stdio: ['pipe', 'pipe', 'inherit']
  })
  await once(child.stdout, 'data')
  return async () => {
    child.stdin.write('go')
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`a worker ended with ${code}`)
  }
}

const SETTINGS = { tokenUrl: 'http://t/', apiKey: 'app', keyId: 'k1', privateKeyPem: 'a private key', timeoutMs: 500 }

/** The platform as one worker sees it: each token is a new one. */
function openPlatform(answer?: () => TokenResult): TokenSource & { asked: () => number } {
  let asked = 0
  return {
    asked: () => asked,
    async token() {
      asked += 1
      const token = `secret-token-${asked}`
      await delay(30)
      return answer?.() ?? { kind: 'token', token, goodForMs: 60_000 }
    }
  }
}

async function openStore(
  t: Test
): Promise<{ store: AccessTokenStore; sealedTexts: () => Promise<string>; expire: () => Promise<unknown> }> {
  const { pool } = await createTestDatabase(t)
  return {
    store: createDatabase(pool).stores.accessTokens,
    expire: () => pool.query('update access_token set good_until = now()'),
    async sealedTexts() {
      const { rows } = await pool.query<{ row: string }>('select access_token::text as row from access_token')
      return rows
        .map(({ row }) => row + Buffer.from(/\\x([0-9a-f]+)/.exec(row)?.[1] ?? '', 'hex').toString('latin1'))
        .join()
    }
  }
}

t.test('the platform is asked once, whoever needs a token, and again when the fleet is refused', async (t) => {
  const { store, sealedTexts } = await openStore(t)
  const platform = openPlatform()
  const now = (): Date => new Date()
  const workers = [1, 2, 3].map(() => shareTokens(platform, store, SETTINGS, now))

  const first = await Promise.all([...workers, ...workers].map((worker) => worker.token()))
  t.same(new Set(first.map((result) => (result.kind === 'token' ? result.token : ''))), new Set(['secret-token-1']))
  t.equal(platform.asked(), 1)
  t.notMatch(await sealedTexts(), /secret-token/, 'the database does not know it')

  const again = await Promise.all(workers.map((worker) => worker.token('secret-token-1')))
  t.same(new Set(again.map((result) => (result.kind === 'token' ? result.token : ''))), new Set(['secret-token-2']))
  t.equal(platform.asked(), 2, 'one renewal for all')
  t.match(
    await workers[0]?.token('secret-token-1'),
    { token: 'secret-token-2' },
    'an old refusal throws away no new token'
  )

  const other = shareTokens(platform, store, { ...SETTINGS, keyId: 'k2' }, now)
  t.match(await other.token(), { token: 'secret-token-3' }, 'another application has another token')
})

t.test("a token ends after its time for all, and a refusal of the platform is everybody's to try again", async (t) => {
  const { store, expire } = await openStore(t)
  let nowMs = 0
  const refused: TokenResult = {
    kind: 'none',
    outcome: { kind: 'credentials', status: 401, message: 'no access token' }
  }
  let answer: TokenResult = { kind: 'token', token: 'short', goodForMs: 60_000 }
  const platform = openPlatform(() => answer)
  const [one, two] = [1, 2].map(() => shareTokens(platform, store, SETTINGS, () => new Date(nowMs)))

  await one?.token()
  t.match(await two?.token(), { token: 'short' })
  nowMs = 60_000
  await expire()
  answer = refused
  t.same(await one?.token(), refused)
  t.same(await two?.token(), refused)
  answer = { kind: 'token', token: 'good', goodForMs: 60_000 }
  t.match(await two?.token(), { token: 'good' })
  t.equal(platform.asked(), 4)
})

t.test('a worker that dies while it gets a token keeps the others waiting for its lease only', async (t) => {
  const { store } = await openStore(t)
  const dead = shareTokens({ token: () => new Promise(() => undefined) }, store, SETTINGS, () => new Date())
  void dead.token()
  await delay(50)
  const alive = shareTokens(openPlatform(), store, SETTINGS, () => new Date())
  t.match(await alive.token(), { kind: 'token', token: 'secret-token-1' })
})

t.test('while the database is away a worker has a token of its own', async (t) => {
  const away: AccessTokenStore = {
    take: () => Promise.reject(new Error('the database is away')),
    keep: () => Promise.reject(new Error('the database is away')),
    giveUp: () => Promise.reject(new Error('the database is away'))
  }
  const worker = shareTokens(openPlatform(), away, SETTINGS, () => new Date())
  t.match(await worker.token(), { kind: 'token', token: 'secret-token-1' })
})
