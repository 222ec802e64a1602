import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import type { PlanAnswer } from '../../src/http/ops-answers.js'
import { openWounded } from './open-wounded.js'
import { HELD_AT_GP } from './wounded-hub.js'

const WELL = `update destination set breaker_opened_at = null, resume_at = null`
const GP_DONE = `update delivery set state = 'delivered', finished_at = now() where triggered_by = 'replay'`
const FROM_GP = ['--destination', 'gp-record']

t.test('a replay without --start is a dry run and leaves nothing that could be started', async (t) => {
  const { imms, pool } = await openWounded(t)

  const dry = await imms(['replay', ...FROM_GP, '--since', '1h'])
  const json = await imms(['replay', ...FROM_GP, '--json'])
  const none = await imms(['replay', ...FROM_GP, '--class', 'credentials', '--start', '--reason', 'INC-7'])

  t.equal(dry.code, 0)
  t.match(
    dry.stdout,
    /^2 deliveries for 2 records to gp-record\nreplay \S+, can be started until \S+ \S+ UTC\nfrom 2026-11-02 07:50:00 to 2026-11-02 07:50:00 UTC\n +2 {2}refused\ntakes about 1 s at 100\/s once started/
  )
  t.match(dry.stdout, 'This was a dry run. To send them: the same with --start --reason "<why>"')
  t.match(JSON.parse(json.stdout), { plan: { planned: 2, byClass: { refused: 2 } }, started: null })
  t.equal(none.code, 0)
  t.equal(none.stdout, 'Nothing to send to gp-record again: no delivery matches.\n')
  const states = await pool.query(`select distinct state from replay`)
  t.same(states.rows, [{ state: 'cancelled' }])
  const held = await pool.query(`select count(*) from delivery where state = 'held'`)
  t.same(held.rows, [{ count: 3 }])
})

t.test('a replay starts only when the count of its plan is typed', async (t) => {
  const { imms, pool } = await openWounded(t)
  await pool.query(WELL)
  const argv = ['replay', ...FROM_GP, '--since', '1h', '--start', '--reason', 'INC-7', '--rate', '0.5']

  const noReason = await imms(
    argv.filter((word) => word !== '--reason' && word !== 'INC-7'),
    { typed: '2\n' }
  )
  const mistyped = await imms(argv, { typed: '3\n' })
  const nothing = await imms(argv, { typed: '' })
  const piped = await imms(argv, { piped: '2\n' })
  const wrongFlag = await imms([...argv, '--confirm', '12'])
  const running = await pool.query(`select count(*) from replay where state = 'running'`)
  const typed = await imms(argv, { typed: '2\n' })

  t.equal(noReason.code, 2)
  t.match(noReason.stderr, 'say why: --reason')
  t.same([mistyped.code, nothing.code, piped.code, wrongFlag.code], [3, 3, 3, 3])
  t.match(
    mistyped.stderr,
    'This will re-send 2 deliveries for 2 records to gp-record at 0.5/s (about 4 s). Type 2 to go on: '
  )
  t.match(mistyped.stderr, 'imms: nothing was started: 2 was expected, "3" was given')
  t.match(piped.stderr, 'this is not a terminal, so repeat it with --confirm 2')
  t.same(running.rows, [{ count: 0 }])
  t.equal(typed.code, 0)
  t.match(typed.stdout, /2 deliveries go again at 0\.5\/s, in about 4 s\.\nNext: imms replay watch \S+\n$/)
})

t.test('while the breaker is open a replay starts with --queue-only, and waits', async (t) => {
  const { imms, pool, runner } = await openWounded(t)
  const planned = await imms(['replay', 'plan', ...FROM_GP, '--reason', 'INC-7'])
  const id = /imms replay start (\S+) --confirm 2/.exec(planned.stdout)?.[1] ?? ''

  const closed = await imms(['replay', 'start', id, '--confirm', '2'])
  const queued = await imms(['replay', 'start', id, '--confirm', '2', '--queue-only'])
  t.equal(await runner.release(), 0)
  await pool.query(WELL)
  t.equal(await runner.release(), 2)

  t.equal(closed.code, 3)
  t.match(closed.stderr, 'gp-record takes nothing now (the breaker is open)')
  t.equal(queued.code, 0)
})

t.test('a plan is kept, listed, started with --confirm, and watched to its end', async (t) => {
  const { imms, pool, runner } = await openWounded(t)
  await pool.query(WELL)
  const planned = await imms(['replay', 'plan', ...FROM_GP, '--state', 'held', '--reason', 'INC-7'])
  const id = /imms replay start (\S+) --confirm 2/.exec(planned.stdout)?.[1] ?? ''

  const notYet = await imms(['replay', 'watch', id])
  const wrong = await imms(['replay', 'start', id, '--confirm', '1'])
  const started = await imms(['replay', 'start', id, '--confirm', '2', '--share', '1', '--json'])
  const unrated = await imms(['replay', 'start', id, '--confirm', '2', '--rate', '1', '--json'])
  const twice = await imms(['replay', 'start', id, '--confirm', '2'])
  const outcomes = [
    `update delivery set state = 'delivered', finished_at = now() where delivery_id = '${HELD_AT_GP[0]}'`,
    `update delivery set state = 'held', last_class = 'refused' where delivery_id = '${HELD_AT_GP[1]}'`
  ]
  await runner.release()
  await pool.query(`update replay set pace_next_at = now()`)
  await runner.release()
  const watched = await imms(['replay', 'watch', id], {
    onWait: async () => {
      await pool.query(outcomes.shift() ?? 'select 1')
      await runner.settle()
    }
  })
  const shown = await imms(['replay', 'show', id])
  const failed = await imms(['replay', 'show', id, '--result', 'failed', '--json'])
  const listed = await imms(['replay', 'list'])

  t.match(planned.stdout, 'Nothing was changed. Next: imms replay start')
  t.equal(notYet.stdout, `Replay ${id} has not started. Next: imms replay start ${id}\n`)
  t.equal(wrong.code, 3)
  t.equal(started.code, 3)
  t.match(started.stderr, 'gp-record has no rate that a share could be taken of')
  t.match(JSON.parse(unrated.stdout), { replayId: id, state: 'running', planned: 2, ratePerSecond: 1 })
  t.equal(twice.code, 3)
  t.match(twice.stderr, `Replay ${id} is running: plan a new one`)
  t.match(
    watched.stdout,
    /^0\/2: 0 delivered, 0 failed, 0 skipped, 0 left, 2 waiting, about \d s to go\n1\/2: 1 delivered/
  )
  t.match(
    watched.stdout,
    `Replay ${id}: 1 delivered, 1 failed, 0 skipped, 0 left. Next: imms replay show ${id} --result failed\n`
  )
  t.equal(watched.code, 1, 'one is held again')
  t.match(shown.stdout, `retry of 2 deliveries to gp-record, by night-desk: INC-7\n`)
  t.match(shown.stdout, new RegExp(`${HELD_AT_GP[0]} +delivered +delivered`))
  t.match(shown.stdout, new RegExp(`${HELD_AT_GP[1]} +failed +held +refused`))
  t.match(JSON.parse(failed.stdout), { items: [{ deliveryId: HELD_AT_GP[1], result: 'failed' }] })
  t.match(listed.stdout, new RegExp(`${id} +done +gp-record +retry +2 +1/s +night-desk +\\S+ \\S+ +INC-7`))
})

t.test('a watched replay draws a bar on a terminal and ends with 0 when all is delivered', async (t) => {
  const { imms, pool, runner } = await openWounded(t)
  await pool.query(WELL)
  const plan = await imms(['replay', 'plan', ...FROM_GP, '--reason', 'INC-7', '--json'])
  const { replayId } = JSON.parse(plan.stdout) as PlanAnswer
  await imms(['replay', 'start', replayId, '--confirm', '2'])
  await runner.release()

  const watched = await imms(['replay', 'watch', replayId], {
    columns: 100,
    onWait: async () => {
      await pool.query(GP_DONE)
      await runner.settle()
    }
  })

  t.match(stripVTControlCharacters(watched.stdout), /sending again \[=+\] 2\/2 {2}delivered 2 {2}failed 0/)
  t.match(watched.stdout, `Replay ${replayId}: 2 delivered, 0 failed, 0 skipped, 0 left.`)
  t.equal(watched.code, 0)
})

t.test('a replay is paused, resumed and cancelled, each with a reason', async (t) => {
  const { imms, pool } = await openWounded(t)
  await pool.query(WELL)
  const plan = await imms(['replay', 'plan', ...FROM_GP, '--reason', 'INC-7', '--json'])
  const { replayId } = JSON.parse(plan.stdout) as PlanAnswer
  await imms(['replay', 'start', replayId, '--confirm', '2'])
  const why = ['--reason', 'INC-7: they ring us']

  const silent = await imms(['replay', 'pause', replayId])
  const paused = await imms(['replay', 'pause', replayId, ...why])
  const watched = await imms(['replay', 'watch', replayId])
  const both = await imms(['replay', 'resume', replayId, ...why, '--rate', '5', '--share', '0.5'])
  const resumed = await imms(['replay', 'resume', replayId, ...why, '--rate', '5'])
  const unexplained = await imms(['replay', 'cancel', replayId])
  const cancelled = await imms(['replay', 'cancel', replayId, ...why])
  const again = await imms(['replay', 'cancel', replayId, ...why])
  const seen = await imms(['replay', 'watch', replayId])

  t.equal(silent.code, 2)
  t.equal(paused.stdout, `Replay ${replayId} is paused.\n`)
  t.match(watched.stdout, /is paused \(night-desk: INC-7: they ring us\): .*2 left\. Next: imms errors top/)
  t.equal(watched.code, 1)
  t.equal(both.code, 2)
  t.match(both.stderr, 'give --rate or --share, not both')
  t.equal(resumed.stdout, `Replay ${replayId} goes on at 5/s.\nNext: imms replay watch ${replayId}\n`)
  t.equal(unexplained.code, 2)
  t.match(unexplained.stderr, 'say why it is cancelled')
  t.equal(cancelled.stdout, `Replay ${replayId} is cancelled; 2 stay as they were.\n`)
  t.equal(again.code, 3)
  t.match(seen.stdout, 'was cancelled: 0 delivered, 0 failed, 0 skipped, 2 left as they were.')
  const held = await pool.query(`select count(*) from delivery where state = 'held'`)
  t.same(held.rows, [{ count: 3 }])
})

t.test('a large replay is started once a second person approved it', async (t) => {
  const { imms, second, pool } = await openWounded(t)
  await pool.query(WELL)
  await pool.query(
    `update delivery set destination = 'gp-record' where state = 'held' and destination <> 'gp-record'
        and not exists (select from delivery as other where other.record_id = delivery.record_id and other.destination = 'gp-record')`
  )
  await pool.query(`update delivery set state = 'held' where destination = 'gp-record' and state = 'ready'`)
  const why = ['--reason', 'INC-7']

  const shorthand = await imms(['replay', ...FROM_GP, '--start', '--confirm', '3', ...why])
  const id = /imms replay approve (\S+)/.exec(shorthand.stdout)?.[1] ?? ''
  const early = await imms(['replay', 'start', id, '--confirm', '3'])
  const own = await imms(['replay', 'approve', id, ...why])
  const approved = await second(['replay', 'approve', id, ...why])
  const started = await imms(['replay', 'start', id, '--confirm', '3'])
  const shown = await imms(['replay', 'show', id])

  t.equal(shorthand.code, 3)
  t.match(shorthand.stdout, 'It is so large that a second person must approve it. Next: imms replay approve')
  t.equal(early.code, 3)
  t.match(early.stderr, 'a second person must approve it first')
  t.equal(own.code, 3)
  t.match(own.stderr, 'night-desk planned replay')
  t.match(approved.stdout, new RegExp(`Replay ${id} is approved; .*\nNext: imms replay start ${id}\n`))
  t.equal(started.code, 0)
  t.match(shown.stdout, 'approved by day-desk\n')
})

t.test('what is asked of a mode that it does not look at, or cannot be, is typed wrongly', async (t) => {
  const { imms } = await openWounded(t)
  const plan = ['replay', 'plan', ...FROM_GP, '--reason', 'INC-7']
  const wrong: [argv: string[], said: string][] = [
    [[...plan, '--mode', 'everything'], 'must be one of retry, resend-latest, resend-exact, backfill'],
    [[...plan, '--mode', 'resend-exact'], '"delivery" is missing'],
    [[...plan, '--mode', 'backfill', '--class', 'refused'], '"class" says nothing in mode backfill'],
    [[...plan, '--allow-stale'], '"allowStale" says nothing in mode retry'],
    [[...plan, '--type', 'MEASLES'], 'must be one of 3IN1'],
    [
      ['replay', ...FROM_GP, '--start', '--reason', 'INC-7', '--rate', 'fast'],
      '--rate: "fast" is not a number above 0'
    ],
    [
      ['replay', ...FROM_GP, '--start', '--reason', 'INC-7', '--share', '2'],
      '--share: "2" is not a number above 0 and up to 1'
    ]
  ]
  for (const [argv, said] of wrong) {
    const { code, stderr } = await imms(argv, { typed: '2\n' })
    t.equal(code, 2, argv.join(' '))
    t.ok(stderr.includes(said), stderr)
  }
})
