// What a practice says after MESH took a message: it is found in our inbox, kept, and a person hears of what went wrong.
import { setTimeout as delay } from 'node:timers/promises'
import { uuidv7 } from 'uuidv7'
import t from 'tap'
import type { Inbox } from '../../src/delivery/inbox/inbox.js'
import { createInboxWatch } from '../../src/delivery/inbox/inbox-watch.js'
import { createReplays } from '../../src/delivery/replay.js'
import { openAnswerRig, GP, type AnswerRig } from '../support/answer-rig.js'
import { smallPolicy } from '../support/delivery-rig.js'
import { waitFor } from '../support/wait-for.js'

interface Held {
  localId: string
  content: string
  isAcknowledged: boolean
}

const errorsOf = ({ log }: AnswerRig): string[] =>
  log.lines.filter(({ level }) => level === 'error').map(({ line }) => line)

t.test('a message is awaited until the practice says that the record is filed', async (t) => {
  const rig = await openAnswerRig(t)
  const { recordId, deliveryIds } = await rig.seed()
  const [deliveryId = ''] = deliveryIds

  await rig.send(deliveryId)
  t.match(await rig.acknowledgementOf(deliveryId), { state: 'awaited', infrastructure: null, business: null })
  const { rows } = await rig.pool.query<{ hours: number }>(
    `select round(extract(epoch from due_at - now()) / 3600)::integer as hours from acknowledgement`
  )
  t.same(rows, [{ hours: 120 }], 'five days, unless the option says otherwise')
  await rig.look()

  t.same(await rig.acknowledgementOf(deliveryId), {
    state: 'positive',
    infrastructure: '20013',
    business: '30001',
    reason: null
  })
  t.match(await rig.lane(recordId), [{ state: 'delivered' }])
  const messages = await rig.pool.query<{ acknowledged: boolean; content: string | null }>(
    'select acknowledged_at is not null as acknowledged, content from inbox_message'
  )
  t.same(messages.rows, [
    { acknowledged: true, content: null },
    { acknowledged: true, content: null }
  ])
  t.same(errorsOf(rig), [])
})

t.test(
  'an infrastructure answer alone is not the end: silence after it is told, once, and a late answer counts',
  async (t) => {
    const rig = await openAnswerRig(t, { acknowledgementHours: 0.2 / 3600 })
    const { recordId, deliveryIds } = await rig.seed()
    const [deliveryId = ''] = deliveryIds
    await rig.ask('PUT', '/practice', { answer: 'infrastructure', delayMs: 0 })
    await rig.send(deliveryId)
    await waitFor(async () => {
      await rig.look()
      return (await rig.acknowledgementOf(deliveryId))?.['state'] === 'overdue'
    }, 'the acknowledgement to be overdue')
    await rig.look()

    t.match(await rig.acknowledgementOf(deliveryId), { state: 'overdue', infrastructure: '20013' })
    t.same(errorsOf(rig), ['acknowledgement.overdue'])
    t.match(rig.log.lines.find(({ level }) => level === 'error')?.fields, { destination: GP, delivery_id: deliveryId })

    const late = {
      destination: GP,
      about: { deliveryId },
      level: 'business',
      isPositive: true,
      code: '30001',
      text: ''
    }
    await rig.database.stores.acknowledgements.record({ ...late, level: 'business' })
    t.match(await rig.acknowledgementOf(deliveryId), { state: 'positive' })
    t.match(await rig.lane(recordId), [{ state: 'delivered' }])
  }
)

for (const [answer, level, reason] of [
  ['negative-business', 'business', '30002 the patient is not known to the practice'],
  ['negative-infrastructure', 'infrastructure', '20009 the payload is not valid'],
  ['uncollected', 'infrastructure', 'MESH 14: nobody collected the message'],
  ['unroutable', 'infrastructure', 'MESH EPL-151: no practice was found for the patient']
] as const) {
  t.test(`${answer}: a held head with the reason, and its replay is a new message`, async (t) => {
    const rig = await openAnswerRig(t)
    const { recordId, deliveryIds } = await rig.seed()
    const [deliveryId = ''] = deliveryIds
    await rig.ask('PUT', '/practice', { answer, delayMs: 0 })
    await rig.send(deliveryId)

    await rig.look()
    await rig.look()

    t.match(await rig.acknowledgementOf(deliveryId), { state: 'negative', reason, [level]: /./ })
    t.same(await rig.lane(recordId), [
      { state: 'delivered', kind: 'live', version: 1, class: 'delivered' },
      { state: 'held', kind: 'resend', version: 1, class: 'rejected' }
    ])
    const { rows } = await rig.pool.query<{ action: string; id: string; message: string }>(
      `select audit_entry.action, held.delivery_id as id, held.last_message as message
         from audit_entry
         join delivery held on held.state = 'held'
        where audit_entry.record_id = $1`,
      [recordId]
    )
    t.match(rows, [
      { action: 'delivery.rejected', message: `The receiver took version 1 and refused it later: ${reason}` }
    ])
    t.same(errorsOf(rig), ['delivery.rejected'], 'told once')

    await rig.ask('PUT', '/practice', { answer: 'positive', delayMs: 0 })
    await replayHeld(rig)
    const followUpId = rows[0]?.id ?? ''
    await rig.send(followUpId)
    await rig.look()

    t.match(await rig.acknowledgementOf(followUpId), { state: 'positive' })
    const sent = await rig.ask<Held[]>('GET', `/holdings/${GP}`)
    t.same(
      sent.map(({ localId }) => localId),
      [deliveryId, followUpId]
    )
    t.ok(sent.every(({ content, localId }) => content.includes(`<MessageHeader><id value="${localId}"/>`)))
  })
}

async function replayHeld(rig: AnswerRig): Promise<void> {
  const auditChainId = uuidv7()
  await rig.database.stores.audit.openChain(auditChainId, 'replays')
  const replays = createReplays({
    database: rig.database,
    destinations: [rig.destination],
    policy: smallPolicy(),
    now: () => new Date(),
    auditChainId
  })
  const planned = await replays.plan({
    destination: GP,
    states: ['held'],
    actor: 'ops',
    reason: 'the patient is registered'
  })
  if (planned.kind !== 'planned') throw new Error(planned.message)
  await replays.start(planned.plan.replayId, { actor: 'ops', confirmCount: planned.plan.planned })
}

t.test(
  'a correction that comes after a refusal waits behind it; one that was on its way decides by itself',
  async (t) => {
    const rig = await openAnswerRig(t)
    await rig.ask('PUT', '/practice', { answer: 'negative-business', delayMs: 0 })
    const { recordId, deliveryIds } = await rig.seed(['create', 'update'])
    const [first = '', second = ''] = deliveryIds

    await rig.send(first)
    await rig.look()
    t.match(
      await rig.lane(recordId),
      [{ state: 'delivered' }, { state: 'ready' }],
      'the correction is on its way already'
    )
    await rig.send(second)
    await rig.look()

    t.match(await rig.lane(recordId), [
      { state: 'delivered', version: 1 },
      { state: 'delivered', version: 2 },
      { state: 'held', version: 2, class: 'rejected' }
    ])
    t.equal(rig.log.lines.filter(({ line }) => line === 'delivery.rejected_overtaken').length, 1)
  }
)

t.test('answers that come twice, or again after they were dealt with, change nothing', async (t) => {
  const rig = await openAnswerRig(t)
  const { recordId, deliveryIds } = await rig.seed()
  const [deliveryId = ''] = deliveryIds
  await rig.ask('PUT', '/practice', { answer: 'negative-business', delayMs: 0, copies: 2 })
  await rig.send(deliveryId)
  await rig.look()
  t.equal((await rig.lane(recordId)).length, 2)

  const again = { destination: GP, about: { deliveryId }, level: 'business', isPositive: true, code: '30001', text: '' }
  await rig.database.stores.acknowledgements.record({ ...again, level: 'business' })
  await rig.look()

  t.match(await rig.acknowledgementOf(deliveryId), { state: 'negative', business: '30002' })
  t.equal((await rig.lane(recordId)).length, 2, 'one follow-up')
})

t.test(
  'a message that nobody understands is kept whole, told, and taken out only when a person has settled it',
  async (t) => {
    const rig = await openAnswerRig(t)
    const { deliveryIds } = await rig.seed()
    await rig.ask('PUT', '/practice', { answer: 'unknown', delayMs: 0 })
    await rig.send(deliveryIds[0] ?? '')
    const downloads = counting(rig.destination.inbox)

    await rig.look('a', downloads.inbox)
    await rig.look('b', downloads.inbox)

    const read = async (): Promise<Record<string, unknown>[]> =>
      (
        await rig.pool.query<Record<string, unknown>>(
          `select message_id as id, unknown_because as because, content, acknowledged_at is not null as acknowledged
           from inbox_message`
        )
      ).rows
    const [message] = await read()
    t.match(message, { because: 'it answers a message that is none of ours', content: /ITK008M/, acknowledged: false })
    t.same(errorsOf(rig), ['inbox.message_unknown'])
    t.equal(downloads.fetched(), 1)
    t.match(await rig.acknowledgementOf(deliveryIds[0] ?? ''), { state: 'awaited' })

    t.ok(await rig.database.stores.inboxes.settle(GP, String(message?.['id']), 'ops'))
    t.notOk(await rig.database.stores.inboxes.settle(GP, String(message?.['id']), 'ops'), 'once')
    await rig.look('c', downloads.inbox)
    t.match(await read(), [{ acknowledged: true, content: /ITK008M/ }], 'our copy stays')
  }
)

function counting(inbox: Inbox): { inbox: Inbox; fetched: () => number } {
  let fetched = 0
  return {
    fetched: () => fetched,
    inbox: {
      ...inbox,
      fetch(messageId, signal) {
        fetched += 1
        return inbox.fetch(messageId, signal)
      }
    }
  }
}

t.test(
  'what was kept before the process died is taken out of the mailbox by the next look, and not read again',
  async (t) => {
    const rig = await openAnswerRig(t)
    const { deliveryIds } = await rig.seed()
    await rig.send(deliveryIds[0] ?? '')
    const downloads = counting(rig.destination.inbox)
    const failing: Inbox = {
      ...downloads.inbox,
      acknowledge: () => Promise.resolve({ kind: 'fault', message: 'the line broke' })
    }

    await rig.look('a', failing)
    await rig.look('a', downloads.inbox)

    t.match(await rig.acknowledgementOf(deliveryIds[0] ?? ''), { state: 'positive' })
    t.equal(downloads.fetched(), 2, 'the two answers, each once')
    const { rows } = await rig.pool.query('select from inbox_message where acknowledged_at is null')
    t.equal(rows.length, 0)
  }
)

t.test('an answer that overtakes the record of its own sending is kept and takes effect afterwards', async (t) => {
  const rig = await openAnswerRig(t)
  const { recordId, deliveryIds } = await rig.seed()
  await rig.ask('PUT', '/practice', { answer: 'negative-business', delayMs: 0 })

  await rig.send(deliveryIds[0] ?? '', {
    ...rig.destination,
    async deliver(delivery, signal) {
      const outcome = await rig.destination.deliver(delivery, signal)
      await rig.look()
      return outcome
    }
  })
  t.match(await rig.lane(recordId), [{ state: 'delivered' }])
  await rig.look()

  t.match(await rig.lane(recordId), [{ state: 'delivered' }, { state: 'held', class: 'rejected' }])
})

t.test('one process looks at a time; the lease of one that died runs out', async (t) => {
  const rig = await openAnswerRig(t)
  const { inboxes } = rig.database.stores
  const look = { destination: GP, owner: 'dead', leaseMs: 400, validateEveryMs: 1_000 }

  t.same(await inboxes.claim(look), { isUnvalidated: true })
  t.equal(await inboxes.claim({ ...look, owner: 'alive' }), undefined)
  t.notOk(await inboxes.extend(GP, 'alive', 400))
  await delay(450)
  t.ok(await inboxes.claim({ ...look, owner: 'alive' }))
  t.notOk(await inboxes.extend(GP, 'dead', 400), 'whoever comes back late knows that it lost it')
})

t.test('the mailbox is validated before the first look and then daily; one that refuses us is told', async (t) => {
  const rig = await openAnswerRig(t)
  let validated = 0
  const inbox: Inbox = {
    ...rig.destination.inbox,
    validate(signal) {
      validated += 1
      return rig.destination.inbox.validate(signal)
    }
  }
  await rig.ask('PUT', `/control/${GP}`, { mode: 'credentials' })
  await rig.look('a', inbox)
  const { rows } = await rig.pool.query<{ fault: string; failing: boolean }>(
    'select fault, failing_since is not null as failing from inbox'
  )
  t.match(rows, [{ fault: /^validating the mailbox: answered 403: Mailbox id does not match token/, failing: true }])

  await rig.ask('PUT', `/control/${GP}`, { mode: 'up' })
  await rig.look('a', inbox)
  await rig.look('a', inbox)
  t.equal(validated, 2)
  await rig.pool.query(`update inbox set validated_at = now() - interval '23 hours 1 minute'`)
  await rig.look('a', inbox)
  t.equal(validated, 3)
  t.match((await rig.pool.query('select fault, failing_since from inbox')).rows, [{ fault: null, failing_since: null }])
})

t.test('two watching processes find every answer, whatever the mailbox does in between, and stop', async (t) => {
  const rig = await openAnswerRig(t)
  const auditChainId = uuidv7()
  await rig.database.stores.audit.openChain(auditChainId, 'watch')
  const { database, log } = rig
  const watches = ['a', 'b'].map((worker) =>
    createInboxWatch({
      ...{ database, log, worker, auditChainId, destinations: [rig.destination], newId: uuidv7, now: () => new Date() },
      policy: { leaseMs: 5_000, messagesAtOnce: 2, idleMs: 20 }
    })
  )
  const ids: string[] = []
  for (let place = 0; place < 6; place++) ids.push((await rig.seed()).deliveryIds[0] ?? '')
  await Promise.all(ids.map((id) => rig.send(id)))
  await rig.ask('PUT', `/control/${GP}`, { mode: 'down' })
  await Promise.all(watches.map((watch) => watch.start()))
  await waitFor(() => rig.log.lines.some(({ line }) => line === 'inbox.look_failed'), 'a look to fail')
  await rig.ask('PUT', `/control/${GP}`, { mode: 'up' })

  await waitFor(async () => {
    const { rows } = await rig.pool.query(`select from acknowledgement where state = 'positive'`)
    return rows.length === 6
  }, 'six positive acknowledgements')
  await Promise.all(watches.map((watch) => watch.stop()))
  t.same(errorsOf(rig), [])
})
