// What the command line says of proofs, the doctor, attempts and doors, and with which exit code.
import t from 'tap'
import type { Test } from 'tap'
import { DELIVERED, DOWN, scriptDestination } from '../support/delivery-rig.js'
import { waitFor } from '../support/wait-for.js'
import { createRunner, openOps } from './open-ops.js'
import { BLOCKED, HELD, PATIENT, RECORD, RETRYING, woundHub } from './wounded-hub.js'

async function openWounded(t: Test, outcome: () => typeof DELIVERED = () => DELIVERED) {
  const names = ['nhs-immunisation-api', 'gp-record', 'eligibility-store']
  const ops = await openOps(
    t,
    names.map((name) => scriptDestination({ name, ratePerSecond: 20 }, outcome))
  )
  await woundHub(ops.pool)
  const url = await ops.server.listen({ host: '127.0.0.1', port: 0 })
  const tokenWith = async (...scopes: string[]) =>
    (await ops.bearer({ client: 'night-desk', scopes, permissions: [] })).replace('Bearer ', '')
  return {
    ...ops,
    imms: createRunner({ url, token: await tokenWith('ops/read', 'ops/write') }),
    reader: createRunner({ url, token: await tokenWith('ops/read') })
  }
}

const SINCE = ['--since', '2026-11-02T00:00:00Z']

t.test('verify names every rule, what breaks it, and the command that leads on', async (t) => {
  const { reader, pool } = await openWounded(t)
  await pool.query(`update delivery set epoch = 7 where delivery_id = $1`, [HELD])

  const ill = await reader(['verify', ...SINCE, '--sample', '0'])
  const json = await reader(['verify', ...SINCE, '--json'])
  const unknown = await reader(['verify', '--destination', 'nowhere'])
  const wrong = await reader(['verify', '--sample', 'many'])

  t.equal(ill.code, 1)
  t.match(ill.stdout, /^TROUBLE .*I6 \(every claim has left its attempt\) is broken 1 times/)
  t.match(ill.stdout, new RegExp(`^I6 +1 +every claim has left its attempt +${HELD}$`, 'm'))
  t.match(ill.stdout, /^I10 +0 +the queue holds nothing of a patient$/m)
  t.match(ill.stdout, `Next:\n  imms explain ${RECORD}\n`)
  t.match(ill.stdout, `  imms deliveries show ${HELD}\n`)
  t.notMatch(ill.stdout, PATIENT.family)
  t.match(JSON.parse(json.stdout), { verdict: 'trouble', receivers: [{}, {}, {}] })
  t.equal(json.code, 1)
  t.equal(unknown.code, 2)
  t.equal(wrong.code, 2)
})

t.test('doctor says one line each, and ends with 1 while something is wrong', async (t) => {
  const { reader, database } = await openWounded(t)
  const ill = await reader(['doctor'])
  for (const role of ['api', 'relay', 'worker'])
    await database.stores.processes.report({
      processId: crypto.randomUUID(),
      name: `${role}/1`,
      roles: [role],
      clockSkewMs: 3,
      gauges: {}
    })
  const well = await reader(['doctor'])
  const json = await reader(['doctor', '--json'])

  t.equal(ill.code, 1)
  t.match(ill.stdout, 'TROUBLE 3 things are wrong: role api, role relay, role worker.')
  t.match(ill.stdout, /^trouble +role relay +no process runs it +start one with --roles relay/m)
  t.equal(well.code, 0)
  t.match(well.stdout, /^OK The service stands on sound ground\.\n/)
  t.match(well.stdout, /^ok +clocks +3 ms apart from PostgreSQL, at most$/m)
  t.match(JSON.parse(json.stdout), { verdict: 'ok' })
})

t.test('tail shows each attempt once, and ends with Ctrl-C', async (t) => {
  const { reader, pool } = await openWounded(t)
  let looks = 0
  const onWatch = async (stdout: () => string) => {
    looks += 1
    await pool.query(
      `insert into delivery_attempt (
         delivery_id, epoch, series, attempt, triggered_by, worker, started_at, ended_at, outcome, http_status, message
       )
       values ($1, $2::integer + 2, 1, 1, 'schedule', 'w', timestamptz '2026-11-02T08:59:57Z',
               timestamptz '2026-11-02T08:59:58Z' + $2::integer * interval '1 second', 'refused', 422, 'no such practice')`,
      [RETRYING, looks]
    )
    await waitFor(() => stdout().trim().split('\n').length === looks, 'the attempt to be shown')
    return looks < 3
  }

  const followed = await reader(['tail'], { onWatch })
  const json = await reader(['tail', '--destination', 'gp-record', '--json'], {
    onWatch: async (stdout) => !(await waitFor(() => stdout().trim().split('\n').length === 3, 'all of them'))
  })

  t.equal(followed.code, 0)
  const lines = followed.stdout.trim().split('\n')
  t.equal(lines.length, 3, followed.stdout)
  t.match(
    lines[0],
    `2026-11-02 08:59:59  gp-record  422 refused  create of version 1  2000 ms  ${RETRYING}  no such practice`
  )
  const told = json.stdout.trim().split('\n')
  t.equal(told.length, 3)
  t.match(JSON.parse(told[0] ?? ''), { destination: 'gp-record', outcome: 'refused' })
})

t.test('status --watch looks again until Ctrl-C', async (t) => {
  const { reader } = await openWounded(t)
  let looks = 0

  const watched = await reader(['status', '--watch'], { onWatch: () => Promise.resolve(++looks < 3), columns: 120 })

  t.equal(watched.code, 1)
  t.equal(watched.stdout.match(/TROUBLE Trouble at 2 of 3/g)?.length, 3)
  t.match(watched.stdout, '\u001b[2J\u001b[H', 'a terminal is cleared between')
})

t.test('a probe tells what the receiver said, and where that leaves the destination', async (t) => {
  const outcome = { now: DOWN }
  const { imms, reader } = await openWounded(t, () => outcome.now)

  const refused = await reader(['destination', 'probe', 'gp-record', '--reason', 'without the right'])
  const failed = await imms(['destination', 'probe', 'gp-record', '--reason', 'is it back?'])
  outcome.now = DELIVERED
  const unreasoned = await imms(['destination', 'probe', 'gp-record'])
  const needless = await imms(['destination', 'probe', 'nhs-immunisation-api', '--reason', 'just so'])

  t.equal(refused.code, 3)
  t.equal(failed.code, 1)
  t.match(failed.stdout, new RegExp(`^503 unavailable in \\d+ ms, delivery ${RETRYING}\n`))
  t.match(failed.stdout, 'gp-record is active, its breaker is open.\nNext: imms deliveries show ')
  t.equal(unreasoned.code, 2)
  t.equal(needless.code, 3)
  t.match(needless.stderr, 'nothing holds nhs-immunisation-api back')
})

t.test('limits are shown, set with a reason, and taken back', async (t) => {
  const { imms } = await openWounded(t)
  const limits = (...options: string[]) => imms(['destination', 'limits', 'gp-record', ...options])

  const shown = await limits()
  const unreasoned = await limits('--rate', '5')
  const slower = await limits('--rate', '0.5', '--concurrency', '1', '--reason', 'they asked')
  const faster = await limits('--rate', '100', '--reason', 'more')
  const reset = await limits('--reset', '--reason', 'all is well', '--json')

  t.equal(shown.code, 0)
  t.match(shown.stdout, /^requests a second +20 +- +20$/m)
  t.equal(unreasoned.code, 2)
  t.match(slower.stdout, /^requests a second +0\.5 +0\.5 +20$/m)
  t.match(slower.stdout, /^at the same moment +1 +1 +4$/m)
  t.match(slower.stdout, 'Next: imms destination limits gp-record --reset')
  t.equal(faster.code, 3)
  t.match(JSON.parse(reset.stdout), { byHand: { ratePerSecond: null, concurrency: null } })
})

t.test('a breaker is opened for a while, and closed', async (t) => {
  const { imms } = await openWounded(t)
  const breaker = (...words: string[]) => imms(['destination', 'breaker', 'gp-record', ...words])

  const closed = await breaker('close', '--reason', 'they are back')
  const opened = await breaker('open', '--for', '2m', '--reason', 'they deploy')
  const status = await imms(['status'])
  const wrongVerb = await breaker('ajar', '--reason', 'what?')
  const wrongTime = await breaker('open', '--for', 'long', '--reason', 'how long?')

  t.match(closed.stdout, 'The breaker of gp-record is closed. Next: imms status')
  t.match(opened.stdout, 'The breaker of gp-record is open. Next: imms status')
  t.match(status.stdout, /gp-record: breaker open since .* \(by-hand\), next try /)
  t.equal(wrongVerb.code, 2)
  t.equal(wrongTime.code, 2)
  t.match(wrongTime.stderr, '"long" is not a while')
  t.ok(BLOCKED)
})
