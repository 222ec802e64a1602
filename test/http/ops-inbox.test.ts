// What operations staff see of acknowledgements that did not come and of messages that nobody understands.
import t from 'tap'
import type { Test } from 'tap'
import type { ExplainAnswer, InboxAnswer, SettledAnswer, StatusAnswer, Wire } from '../../src/http/ops-answers.js'
import { findDescriptionFaults } from '../cli/described.js'
import { createRunner, openOps } from '../cli/open-ops.js'
import { createMetrics } from '../../src/metrics.js'
import type { Pool } from '../../src/storage/pool.js'
import { seedRecord } from '../support/seed-deliveries.js'

import { NOW } from './open-door.js'

const GP = 'gp-record'

async function openWithInbox(t: Test) {
  const ops = await openOps(t)
  const { recordId, deliveryIds } = await seedRecord(ops.pool, { destinations: [GP] })
  const [deliveryId = ''] = deliveryIds
  await ops.pool.query(
    `update delivery set state = 'delivered', finished_at = '2026-10-28 09:00:00Z' where delivery_id = $1`,
    [deliveryId]
  )
  await ops.pool.query('insert into inbox (destination, looked_at) values ($1, now())', [GP])
  await setAcknowledgement(ops.pool, deliveryId, 'overdue')
  await ops.pool.query(
    `insert into inbox_message (destination, message_id, workflow_id, sender, unknown_because, content)
     values ($1, 'M-1', 'OTHER', 'GP1', 'it is no ITK3 message', 'Dear Ottoline Thistlewood')`,
    [GP]
  )
  const bearer = await ops.bearer({ client: 'night-desk', scopes: ['ops/read', 'ops/write'], permissions: [] })
  const call = async <Answer>(method: 'GET' | 'POST', url: string, payload?: object) => {
    const answer = await ops.server.inject({
      method,
      url,
      headers: { authorization: bearer },
      ...(payload && { payload })
    })
    const type = String(answer.headers['content-type']).split(';')[0] ?? ''
    t.same(
      findDescriptionFaults(method, url, answer.statusCode, type, answer.json()),
      [],
      `${method} ${url} as described`
    )
    t.notMatch(answer.body, /Thistlewood/)
    return { status: answer.statusCode, body: answer.json<Wire<Answer>>() }
  }
  return { ...ops, call, recordId, deliveryId }
}

async function setAcknowledgement(pool: Pool, deliveryId: string, state: string): Promise<void> {
  await pool.query(
    `insert into acknowledgement (delivery_id, destination, state, due_at, infrastructure_code, business_code, reason)
     values ($1, $2, $3, '2026-11-02 09:00:00Z', '20013', case when $3 in ('positive', 'negative') then '30001' end,
             case when $3 = 'negative' then '30002 the patient is not known to the practice' end)
     on conflict (delivery_id) do update
        set state = excluded.state, business_code = excluded.business_code, reason = excluded.reason`,
    [deliveryId, GP, state]
  )
}

t.test('an overdue acknowledgement and an unknown message are trouble, until a person has settled them', async (t) => {
  const { call, deliveryId, recordId, pool } = await openWithInbox(t)

  const status = await call<StatusAnswer>('GET', '/ops/status')
  t.match(status.body, {
    verdict: 'trouble',
    destinations: [
      {
        destination: GP,
        troubles: ['1 acknowledgement overdue', '1 message in the inbox that nobody understands'],
        next: [`imms inbox list --destination ${GP}`],
        inbox: { awaited: 0, overdue: 1, unknown: 1, fault: null }
      }
    ]
  })
  const listed = await call<InboxAnswer>('GET', `/ops/inbox?destination=${GP}`)
  t.match(listed.body, {
    overdue: [{ deliveryId, recordId, version: 1, infrastructureCode: '20013' }],
    unknown: [{ messageId: 'M-1', sender: 'GP1', because: 'it is no ITK3 message', characters: 25 }]
  })
  t.same((await call<InboxAnswer>('GET', '/ops/inbox?destination=other')).body, { overdue: [], unknown: [] })

  const settled = { destination: GP, reason: 'INC-9: filed, says the practice' }
  t.same((await call<SettledAnswer>('POST', '/ops/inbox/settle', { ...settled, deliveryId })).body, {
    destination: GP,
    deliveryId,
    settled: true
  })
  t.equal((await call('POST', '/ops/inbox/settle', { ...settled, deliveryId })).status, 404, 'once')
  t.equal((await call('POST', '/ops/inbox/settle', { ...settled, messageId: 'M-1' })).status, 200)
  t.equal((await call('POST', '/ops/inbox/settle', settled)).status, 400)

  t.match((await call<StatusAnswer>('GET', '/ops/status')).body, { verdict: 'ok', destinations: [{ troubles: [] }] })
  const audited = await pool.query(`select actor, detail from audit_entry where action = 'inbox.settle'`)
  t.equal(audited.rows.length, 2)
})

t.test('a mailbox that cannot be looked into for a quarter of an hour is trouble, with the reason', async (t) => {
  const { call, pool } = await openWithInbox(t)
  await pool.query(`delete from acknowledgement`)
  await pool.query(`delete from inbox_message`)
  for (const [failing, verdict] of [
    ['2026-11-02 08:46:00Z', 'ok'],
    ['2026-11-02 08:44:00Z', 'trouble']
  ] as const) {
    await pool.query(`update inbox set failing_since = $1, fault = 'listing the inbox: answered 503'`, [failing])
    const { body } = await call<StatusAnswer>('GET', '/ops/status')
    t.equal(body.verdict, verdict)
    if (verdict === 'trouble')
      t.match(body.sentence, 'the inbox cannot be read since 2026-11-02 08:44:00 UTC (listing the inbox: answered 503)')
  }
})

t.test('explain says what the receiver said afterwards', async (t) => {
  const { call, deliveryId, recordId, pool } = await openWithInbox(t)
  const reached = `Version 1 reached ${GP} at 2026-10-28 09:00:00 UTC`
  for (const [state, words, verdict] of [
    ['awaited', '; it could be read (20013), its acknowledgement is awaited until 2026-11-02 09:00:00 UTC.', 'ok'],
    ['positive', ', and was acknowledged as filed (30001).', 'ok'],
    ['negative', ', and was refused later: 30002 the patient is not known to the practice.', 'ok'],
    ['overdue', '; it could be read (20013), its acknowledgement is overdue since 2026-11-02 09:00:00 UTC.', 'trouble']
  ] as const) {
    await setAcknowledgement(pool, deliveryId, state)
    const { body } = await call<ExplainAnswer>('GET', `/ops/records/${recordId}/explain`)
    const delivery = body.versions[0]?.deliveries.find(({ destination }) => destination === GP)
    t.equal(delivery?.sentence, `${reached}${words}`)
    t.same(delivery?.next, state === 'overdue' ? [`imms inbox list --destination ${GP}`] : [])
    t.equal(body.verdict, verdict)
  }
})

t.test('the metrics tell the same, and are read though the database is away', async (t) => {
  const { ops } = (await openWithInbox(t)).database.stores
  const status = { version: '1', loadedAt: NOW, programmes: [] }
  t.match(
    await createMetrics(
      () => status,
      ops,
      () => Promise.resolve('')
    ).read(),
    new RegExp(
      [
        'imms_acknowledgements_awaited{destination="gp-record"} 0',
        'imms_acknowledgements_overdue{destination="gp-record"} 1',
        'imms_inbox_unknown_messages{destination="gp-record"} 1',
        'imms_inbox_failing_seconds{destination="gp-record"} 0'
      ].join('[^]*')
    )
  )
  const away = { readInboxHealth: () => Promise.reject(new Error('the database is away')) }
  t.match(
    await createMetrics(
      () => status,
      away,
      () => Promise.resolve('')
    ).read(),
    /imms_programmes/
  )
})

t.test('imms inbox list and settle', async (t) => {
  const ops = await openWithInbox(t)
  const url = await ops.server.listen({ host: '127.0.0.1', port: 0 })
  const bearer = await ops.bearer({ client: 'night-desk', scopes: ['ops/read', 'ops/write'], permissions: [] })
  const imms = createRunner({ url, token: bearer.replace('Bearer ', '') })
  const listed = await imms(['inbox', 'list'])
  t.equal(listed.code, 1, 'there is something to see to')
  t.match(listed.stdout, /Acknowledgements that did not come:/)
  t.ok(listed.stdout.includes(ops.deliveryId))
  t.match(listed.stdout, /it is no ITK3 message/)
  t.match(JSON.parse((await imms(['inbox', 'list', '--json'])).stdout), { overdue: [{}], unknown: [{}] })

  t.match(await imms(['inbox', 'settle', GP, ops.deliveryId, '--reason', 'INC-9: filed']), {
    code: 0,
    stdout: /^Settled\./
  })
  t.match(await imms(['inbox', 'settle', GP, 'M-1', '--reason', 'INC-9: not for us']), { code: 0 })
  t.equal((await imms(['inbox', 'settle', GP, 'M-1', '--reason', 'INC-9: again'])).code, 2)
  t.match(await imms(['inbox', 'list']), { code: 0, stdout: /Nothing waits for a person/ })
})
