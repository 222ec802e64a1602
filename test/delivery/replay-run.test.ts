// A replay that runs: its pace, who stops it, and what survives the death of whoever releases it.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t from 'tap'
import type { Pool } from '../../src/storage/pool.js'
import { createReplays } from '../../src/delivery/replay.js'
import { planRelease, secondsLeft } from '../../src/delivery/replay-pace.js'
import type { ReplayTurn } from '../../src/storage/replay-release.js'
import { openFleet } from '../support/delivery-fleet.js'
import { countStates, DELIVERED, scriptDestination, smallPolicy } from '../support/delivery-rig.js'
import { auditOf, begin, deliverAll, openReplays, plan, type ReplayRig } from '../support/replay-rig.js'
import { seedHeld } from '../support/seed-held.js'
import { createTestDatabase } from '../support/test-database.js'
import { waitFor } from '../support/wait-for.js'

const NHS = { destination: 'nhs' }

/** Milliseconds between the moments of what was released, one after the other. */
async function gaps(pool: Pool): Promise<number[]> {
  const { rows } = await pool.query<{ gap: number }>(
    `select round(extract(epoch from due_at - lag(due_at) over (order by due_at)) * 1000)::integer as gap
       from delivery
      where triggered_by = 'replay'
      order by due_at
     offset 1`
  )
  return rows.map(({ gap }) => gap)
}

/** As if so much time had passed since the last release. */
async function later(pool: Pool, seconds: number): Promise<void> {
  await pool.query(`update replay set pace_next_at = pace_next_at - $1 * interval '1 second'`, [seconds])
  await pool.query(`update delivery set due_at = due_at - $1 * interval '1 second' where state = 'ready'`, [seconds])
}

t.test('a replay goes at its share of the rate, evenly, a second ahead and not more', async (t) => {
  const { pool, replays, runner } = await openReplays(t)
  await seedHeld(pool, 'nhs', 20)
  await begin(replays, NHS)

  const startedAt = performance.now()
  t.equal(await runner.release(), 5, 'a quarter of 20 a second')
  const more = await runner.release()
  t.ok(more <= Math.ceil((performance.now() - startedAt) / 200), 'nothing but the moments that have come into sight')
  await later(pool, 1)
  t.equal(await runner.release(), 5)
  t.same(await countStates(pool), { held: 10 - more, ready: 10 + more })
  for (const gap of await gaps(pool)) t.ok(gap >= 199, `${gap} ms`)
})

t.test('a rate whose moments are no whole milliseconds is kept like any other', async (t) => {
  const { pool, replays, runner } = await openReplays(t)
  await seedHeld(pool, 'nhs', 30)
  await begin(replays, NHS, { ratePerSecond: 15 })

  t.equal(await runner.release(), 15)
  await later(pool, 0.7001)
  t.ok((await runner.release()) > 5, 'and so is a first moment in between')
  for (const gap of await gaps(pool)) t.ok(gap >= 66, `${gap} ms`)
})

t.test('a relay that was away makes up for nothing, and what nobody takes is not added to', async (t) => {
  const { pool, replays, runner } = await openReplays(t)
  await seedHeld(pool, 'nhs', 30)
  await begin(replays, NHS)

  await later(pool, 3300)
  t.equal(await runner.release(), 5, 'no burst')
  for (let second = 0; second < 5; second++) {
    await later(pool, 1)
    await runner.release()
  }
  t.same(await countStates(pool), { held: 15, ready: 15 }, 'three seconds of it wait at most')
})

t.test('the pace is planned from what is open, waits and is promised', (t) => {
  const turn: ReplayTurn = {
    replayId: 'r',
    destination: 'nhs',
    mode: 'retry',
    allowStale: false,
    ratePerSecond: 5,
    aheadMs: -10_000,
    isOpen: true,
    waiting: 0,
    isLiveLate: false
  }
  const { replay } = smallPolicy()
  const items = (changes: Partial<ReplayTurn>): number => planRelease({ ...turn, ...changes }, replay).items

  t.same(planRelease(turn, replay), { inMs: 0, gapMs: 200, items: 5 })
  t.equal(items({ aheadMs: 799 }), 2)
  t.equal(items({ aheadMs: 800 }), 1)
  t.equal(items({ aheadMs: 1_000 }), 0)
  t.equal(items({ isOpen: false }), 0)
  t.equal(items({ waiting: 13 }), 2)
  t.equal(items({ waiting: 20 }), 0)
  t.equal(items({ isLiveLate: true }), 5)
  t.equal(items({ isLiveLate: true, mode: 'backfill' }), 0)
  t.equal(items({ ratePerSecond: 0.1 }), 1, 'one every ten seconds')
  const progress = { left: 100, waiting: 0, retrying: 0, blocked: 0, delivered: 0, failed: 0, skipped: 0 }
  t.equal(secondsLeft({ ...progress, endedPerSecond: 0 }, 5, 2), 20, 'too early to tell')
  t.equal(secondsLeft({ ...progress, endedPerSecond: 2 }, 5, 60), 50)
  t.equal(secondsLeft({ ...progress, endedPerSecond: 1 }, 5, 10), 34, 'of a third of the time')
  t.equal(secondsLeft({ ...progress, endedPerSecond: 0 }, 5, 60), null)
  t.equal(secondsLeft({ ...progress, left: 0, endedPerSecond: 0 }, 5, 60), 0)
  t.end()
})

t.test('whoever starts it chooses a rate or a share, within what the destination takes', async (t) => {
  const { pool, replays } = await openReplays(t)
  await seedHeld(pool, 'nhs', 1)
  await seedHeld(pool, 'gp', 1)
  const atNhs = await plan(replays, NHS)
  const atGp = await plan(replays)
  const start = (replayId: string, pace: object): Promise<unknown> =>
    replays.start(replayId, { actor: 'ops-1', confirmCount: 1, ...pace })

  t.match(await start(atNhs.replayId, { ratePerSecond: 21 }), {
    why: 'rate-too-high',
    message: 'nhs takes 20 a second at most, 21 were asked for'
  })
  t.match(await start(atGp.replayId, { share: 0.5 }), { why: 'rate-unknown' })
  t.match(await start(atGp.replayId, { ratePerSecond: 1_001 }), { why: 'rate-too-high' })
  t.match(await start(atNhs.replayId, { share: 0.5 }), { kind: 'started', ratePerSecond: 10 })
  t.match(await start(atGp.replayId, { ratePerSecond: 0.5 }), { kind: 'started', ratePerSecond: 0.5 })
})

t.test('a replay is paused and resumed, at another rate if wished, each with a reason', async (t) => {
  const rig = await openReplays(t)
  const { pool, replays, runner } = rig
  await seedHeld(pool, 'nhs', 20)
  const replayId = await begin(replays, NHS)
  await runner.release()
  const pause = (): Promise<unknown> => replays.pause(replayId, { actor: 'ops-2', reason: 'they ring us' })
  const resume = (pace = {}): Promise<unknown> =>
    replays.resume(replayId, { actor: 'ops-2', reason: 'they are ready', ...pace })

  t.match(await resume(), { why: 'not-paused' })
  t.same(await pause(), { kind: 'paused' })
  t.match(await pause(), { why: 'not-running' })
  await later(pool, 1)
  t.equal(await runner.release(), 0)
  await runner.settle()
  t.match(await replays.show(replayId), {
    state: 'paused',
    pausedBecause: 'ops-2: they ring us',
    secondsLeft: null,
    progress: { left: 15, waiting: 5 }
  })
  t.match(await replays.start((await plan(replays, NHS)).replayId, { actor: 'ops-1', confirmCount: 15 }), {
    why: 'another-runs'
  })
  t.match(await resume({ ratePerSecond: 50 }), { why: 'rate-too-high' })
  t.match(await resume({ ratePerSecond: 10 }), { kind: 'resumed', ratePerSecond: 10 })
  t.equal(await runner.release(), 10)
  await pause()
  t.match(await resume(), { kind: 'resumed', ratePerSecond: 10 }, 'as before')
  t.match(
    (await auditOf(pool)).filter(({ action }) => /pause|resume/.test(String(action))),
    [
      { actor: 'ops-2', action: 'replay.pause', detail: { replayId, before: 'running', reason: 'they ring us' } },
      { actor: 'ops-2', action: 'replay.resume', detail: { before: 'paused', ratePerSecond: 10 } },
      { action: 'replay.pause' },
      { action: 'replay.resume' }
    ]
  )
})

/** Releases the next ten, of which so many are refused. */
async function attemptTen(rig: ReplayRig, refused: number): Promise<void> {
  await later(rig.pool, 1)
  await rig.runner.release()
  let count = 0
  await deliverAll(
    rig,
    scriptDestination({ name: 'gp', concurrency: 1 }, () =>
      (count += 1) <= refused ? { kind: 'refused', status: 422, message: 'no dose' } : DELIVERED
    )
  )
  await rig.runner.settle()
}

t.test('a replay stops by itself when more than a fifth fails after fifty, and counts anew once resumed', async (t) => {
  const rig = await openReplays(t)
  const { pool, replays, log } = rig
  await seedHeld(pool, 'gp', 130)
  const replayId = await begin(replays, {}, { ratePerSecond: 10 })
  const stateOf = async (): Promise<string | undefined> => (await replays.show(replayId))?.state

  for (let ten = 0; ten < 4; ten++) await attemptTen(rig, 10)
  t.equal(await stateOf(), 'running', '40 of 40 failed: too few to tell')
  await attemptTen(rig, 0)
  t.equal(await stateOf(), 'paused', '40 of 50')
  t.match(await replays.show(replayId), { pausedBecause: '40 of the last 50 failed', progress: { left: 80 } })
  t.match(
    log.lines.filter(({ level }) => level === 'error'),
    [{ line: 'replay.paused', fields: { replay_id: replayId, because: '40 of the last 50 failed' } }]
  )
  t.match((await auditOf(pool)).at(-1), { actor: 'service', action: 'replay.pause', detail: { failed: 40, left: 80 } })
  await replays.resume(replayId, { actor: 'ops-1', reason: 'mended' })
  for (let ten = 0; ten < 5; ten++) await attemptTen(rig, 2)
  t.equal(await stateOf(), 'running', '10 of 50 are a fifth, not more')
  await attemptTen(rig, 3)
  t.equal(await stateOf(), 'paused', '13 of 60')
})

t.test('relays side by side release each item once', async (t) => {
  const { pool, replays, runner } = await openReplays(t)
  await seedHeld(pool, 'gp', 40)
  const replayId = await begin(replays)

  const released = await Promise.all(Array.from({ length: 8 }, () => runner.release()))

  t.equal(released.reduce((total, count) => total + count) > 0, true)
  await waitFor(async () => (await runner.release()) === 0, 'all to be released')
  t.match(await replays.show(replayId), { progress: { left: 0, waiting: 40 } })
  const { rows } = await pool.query('select distinct series, triggered_by from delivery')
  t.same(rows, [{ series: 2, triggered_by: 'replay' }])
})

t.test('killing the process that releases, again and again, loses nothing and doubles nothing', async (t) => {
  const { connection, pool } = await createTestDatabase(t)
  await seedHeld(pool, 'gp', 300)
  const gp = scriptDestination({ concurrency: 8 }, () => DELIVERED)
  const fleet = await openFleet(t, { kind: 'postgres', connection }, [gp])
  const auditChainId = randomUUID()
  await fleet.database.stores.audit.openChain(auditChainId, 'test')
  const replays = createReplays({
    database: fleet.database,
    destinations: [gp],
    policy: smallPolicy(),
    now: () => new Date(),
    auditChainId
  })
  const replayId = await begin(replays, {}, { ratePerSecond: 100 })

  for (let kill = 0; kill < 3; kill++) {
    const doomed = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        new URL('../support/doomed-releaser.ts', import.meta.url).pathname,
        JSON.stringify(connection)
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] }
    )
    let lines = 0
    for await (const line of createInterface({ input: doomed.stdout })) {
      t.match(line, /^\d+$/)
      if ((lines += 1) === 3 + kill) break
    }
    doomed.kill('SIGKILL')
    await once(doomed, 'exit')
  }
  const midway = await replays.show(replayId)
  t.ok(midway!.progress.left > 0 && midway!.progress.waiting > 0, JSON.stringify(midway?.progress))
  t.equal(midway!.progress.left + midway!.progress.waiting, 300)
  await fleet.relay()
  await fleet.relay()
  await fleet.worker()
  await waitFor(async () => (await replays.show(replayId))?.state === 'done', 'the replay to be done', {
    withinMs: 40_000
  })

  t.same(await countStates(pool), { delivered: 300 })
  t.equal(gp.received.length, 300)
  t.equal(new Set(gp.received.map(({ deliveryId }) => deliveryId)).size, 300)
  t.match(await replays.show(replayId), { progress: { delivered: 300, skipped: 0, left: 0 } })
})
