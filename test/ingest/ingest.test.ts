import t from 'tap'
import { clientOf, createIngestRig, fluByPharmacy, openIngest, readFixture, rulesOf } from '../support/ingest-rig.js'

t.test('a sound record is kept with its fingerprint, group, deliveries and audit entry', async (t) => {
  const rig = await createIngestRig(t)

  const verdict = await rig.post(fluByPharmacy())

  t.equal(verdict.status, 201)
  t.equal(verdict.record?.version, 1)
  const id = verdict.record?.recordId
  t.same(await rig.rows('select operation, supplier from record_version where record_id = $1', [id]), [
    { operation: 'create', supplier: 'pharmacy' }
  ])
  t.same(await rig.rows('select destination, state, operation, lane_seq from delivery order by destination'), [
    { destination: 'everything', state: 'ready', operation: 'create', lane_seq: 1 },
    { destination: 'survivors', state: 'ready', operation: 'create', lane_seq: 1 }
  ])
  t.same(await rig.rows('select survivor_record_id from event_group'), [{ survivor_record_id: id }])
  t.same(await rig.rows('select actor, action, record_id from audit_entry'), [
    { actor: 'pharmacy', action: 'immunization.create', record_id: id }
  ])
})

t.test('what was sent is what is stored: only id and meta are the server’s', async (t) => {
  const rig = await createIngestRig(t)
  const sent = fluByPharmacy({ meta: { profile: ['https://example.org/p'], versionId: '77' } })
  const text = JSON.stringify(sent).replace('"doseQuantity":{"value":0.5', '"doseQuantity":{"value":0.50')

  const verdict = await rig.post(JSON.parse(text) as object)

  const body = JSON.parse(verdict.record?.body ?? '') as { id: string; meta: object }
  t.match(body, { ...sent, id: verdict.record?.recordId, meta: { versionId: '1', profile: ['https://example.org/p'] } })
})

t.test('an exact resend, in whatever order of keys, writes nothing', async (t) => {
  const rig = await createIngestRig(t)
  const sent = fluByPharmacy()
  const first = await rig.post(sent)

  const reordered = Object.fromEntries(Object.entries(sent).reverse())
  const second = await rig.post(reordered)
  const third = await rig.post({ ...sent, recorded: '2026-10-11T09:00:00+01:00' })

  t.equal(second.status, 200)
  t.same(rulesOf(second), ['exact-resend'])
  t.equal(second.record?.recordId, first.record?.recordId)
  t.equal(second.record?.version, 1)
  t.same(rulesOf(third), ['equivalent-resend'])
  t.same(await rig.rows('select count(*) from record_version'), [{ count: 1 }])
  t.same(await rig.rows('select count(*) from delivery'), [{ count: 2 }])
})

t.test(
  'the same identifier with other content is refused with every changed path, or taken as a correction',
  async (t) => {
    const rig = await createIngestRig(t)
    const sent = fluByPharmacy({ value: 'A-1' })
    const first = await rig.post(sent)
    const changed = { ...sent, lotNumber: 'OTHER9', primarySource: false }

    const refused = await rig.post(changed)
    const corrected = await rig.post(changed, clientOf('pharmacy', ['*.CRUDS'], 'correct'))

    t.equal(refused.status, 409)
    t.same(
      refused.issues
        .filter(({ rule }) => rule === 'changed-element')
        .map(({ expression }) => expression?.[0])
        .sort(),
      ['Immunization.lotNumber', 'Immunization.primarySource']
    )
    t.equal(corrected.status, 200)
    t.equal(corrected.record?.version, 2)
    t.equal(corrected.record?.recordId, first.record?.recordId)
    t.same(await rig.rows(`select state, version from delivery where destination = 'everything' order by lane_seq`), [
      { state: 'ready', version: 1 },
      { state: 'blocked', version: 2 }
    ])
    t.same(await rig.rows('select http_status from refused_submission'), [{ http_status: 409 }])
  }
)

t.test('the same identifier for another patient or another vaccine is never the same record', async (t) => {
  const rig = await createIngestRig(t)
  await rig.post(fluByPharmacy({ value: 'A-2' }))

  const otherPatient = await rig.post(fluByPharmacy({ value: 'A-2', nhsNumber: '9990016410' }))
  const otherDay = await rig.post(
    fluByPharmacy({
      value: 'A-2',
      occurrenceDateTime: '2026-10-20T10:00:00+01:00',
      recorded: '2026-10-20T10:00:00+01:00'
    })
  )

  t.equal(otherPatient.status, 409)
  t.same(otherPatient.issues[0]?.rule, 'identity-change')
  t.same(otherPatient.issues[0]?.expression, ['Immunization.patient'])
  t.same(otherDay.issues[0]?.expression, ['Immunization.occurrenceDateTime'])
})

t.test('a second report of the same jab by another supplier is linked, and not delivered twice', async (t) => {
  const rig = await createIngestRig(t)
  const pharmacy = await rig.post(readFixture('flu-pharmacy-older-adult.json'))

  const gp = await rig.post(readFixture('flu-gp-copy-same-lot.json'), clientOf('gp-system'))

  t.equal(gp.status, 201)
  t.not(gp.record?.recordId, pharmacy.record?.recordId)
  t.ok(rulesOf(gp).includes('same-event-linked'))
  t.notMatch(JSON.stringify(gp.issues), /pharmacy/, 'nothing of the other supplier is told')
  t.same(await rig.rows('select count(*), count(survivor_record_id) as survivors from event_group'), [
    { count: 1, survivors: 1 }
  ])
  t.same(await rig.rows(`select record_id from delivery where destination = 'survivors'`), [
    { record_id: pharmacy.record?.recordId }
  ])
  t.same(await rig.rows(`select count(*) from pair_decision where outcome = 'same'`), [{ count: 1 }])
})

t.test('flu and COVID-19 in one visit stay two events', async (t) => {
  const rig = await createIngestRig(t)

  await rig.post(readFixture('flu-with-covid-same-visit.json'))
  const covid = await rig.post(readFixture('covid-with-flu-same-visit.json'))

  t.equal(covid.status, 201)
  t.notOk(rulesOf(covid).includes('same-event-linked'))
  t.same(await rig.rows('select count(*) from event_group'), [{ count: 2 }])
})

t.test('every fault of every judge is told at once, and the submission is kept as it was sent', async (t) => {
  const rig = await createIngestRig(t)
  const faulty = {
    ...fluByPharmacy({ nhsNumber: '9990013676' }),
    status: 'done',
    batch: 'X',
    expirationDate: '2020-01-01'
  }

  const verdict = await rig.post(faulty)

  t.equal(verdict.status, 400)
  for (const rule of ['r4-code-unknown', 'r4-unknown-element', 'nhs-number-invalid', 'batch-expired'])
    t.ok(rulesOf(verdict).includes(rule), rule)
  for (const issue of verdict.issues.filter(({ severity }) => severity === 'error')) t.ok(issue.expression?.[0])
  t.notMatch(JSON.stringify(verdict.issues), /9990013676/, 'no patient data in the answer')
  const [kept] = await rig.rows<{ body: string; rules: string[] }>('select body, rules from refused_submission')
  t.same(JSON.parse(kept?.body ?? ''), faulty)
  t.same(await rig.rows('select count(*) from record'), [{ count: 0 }])
})

t.test('any JSON value gets an answer', async (t) => {
  const rig = await createIngestRig(t)

  for (const value of [null, true, 5, 'text', [], {}, { resourceType: 'Patient' }, { resourceType: 'Immunization' }]) {
    const verdict = await rig.post(value as object)
    t.equal(verdict.status, 400, JSON.stringify(value))
  }
})

t.test('a supplier without the permission is told which one it lacks', async (t) => {
  const rig = await createIngestRig(t)

  const verdict = await rig.post(fluByPharmacy(), clientOf('pharmacy', ['COVID.CRUDS', 'FLU.RS']))

  t.equal(verdict.status, 403)
  t.match(verdict.issues[0]?.text, /FLU\.C/)
})

t.test('a correction needs the current version, the same identifier and the same patient', async (t) => {
  const rig = await createIngestRig(t)
  const sent = fluByPharmacy({ value: 'A-3' })
  const { record } = await rig.post(sent)
  const id = record?.recordId ?? ''
  const better = { ...sent, lotNumber: 'BETTER1' }

  const corrected = await rig.put(id, 1, better)
  const stale = await rig.put(id, 1, { ...sent, lotNumber: 'LATE1' })
  const unchanged = await rig.put(id, 2, better)
  const renamed = await rig.put(id, 2, { ...better, identifier: [{ system: 'https://x.example', value: 'n' }] })
  const moved = await rig.put(id, 2, fluByPharmacy({ value: 'A-3', nhsNumber: '9990016410' }))
  const foreign = await rig.put(id, 2, better, clientOf('gp-system'))

  t.same([corrected.status, corrected.record?.version], [200, 2])
  t.equal(stale.status, 412)
  t.same([unchanged.status, unchanged.record?.version, rulesOf(unchanged)], [200, 2, ['unchanged']])
  t.equal(renamed.status, 422)
  t.equal(moved.status, 409)
  t.equal(foreign.status, 404, 'the record of another supplier cannot be told from one that is not there')
})

t.test('a deleted record leaves its event group, is delivered as a deletion, and can be reinstated', async (t) => {
  const rig = await createIngestRig(t)
  const sent = fluByPharmacy({ value: 'A-4' })
  const id = (await rig.post(sent)).record?.recordId ?? ''

  const deleted = await rig.remove(id)
  const again = await rig.remove(id)
  const [group] = await rig.rows('select survivor_record_id from event_group')
  const reinstated = await rig.post(sent)

  t.same([deleted.status, deleted.record?.version, again.status], [204, 2, 204])
  t.same(group, { survivor_record_id: null })
  t.same([reinstated.status, reinstated.record?.version, reinstated.record?.recordId], [201, 3, id])
  t.ok(rulesOf(reinstated).includes('reinstated'))
  t.same(await rig.rows(`select operation, state from delivery where destination = 'everything' order by lane_seq`), [
    { operation: 'create', state: 'ready' },
    { operation: 'delete', state: 'blocked' },
    { operation: 'reinstate', state: 'blocked' }
  ])
})

t.test('when the survivor of an event is deleted, the next one takes its place at every destination', async (t) => {
  const rig = await createIngestRig(t)
  const first = await rig.post(fluByPharmacy({ value: 'A-6' }))
  const copy = await rig.post(
    fluByPharmacy({ system: 'https://gp.example/imms', primarySource: false }),
    clientOf('gp-system')
  )
  t.ok(rulesOf(copy).includes('same-event-linked'))

  await rig.remove(first.record?.recordId ?? '')

  t.same(await rig.rows('select survivor_record_id from event_group where survivor_record_id is not null'), [
    { survivor_record_id: copy.record?.recordId }
  ])
  t.same(
    await rig.rows(
      `select record_id, operation from delivery where destination = 'survivors' order by record_id, lane_seq`
    ),
    [
      { record_id: first.record?.recordId, operation: 'create' },
      { record_id: first.record?.recordId, operation: 'delete' },
      { record_id: copy.record?.recordId, operation: 'create' }
    ]
  )
  t.same(
    await rig.rows(`select count(*) from delivery where destination = 'everything' and record_id = $1`, [
      copy.record?.recordId
    ]),
    [{ count: 1 }],
    'who has it already is not sent it again'
  )
})

t.test('64 identical posts at once, by two processes, make one record', async (t) => {
  const rig = await createIngestRig(t)
  const other = await openIngest(t, rig.pool, rig.database)
  const sent = fluByPharmacy({ value: 'A-5' })

  const verdicts = await Promise.all(Array.from({ length: 64 }, (_, n) => (n % 2 === 0 ? rig : other).post(sent)))

  t.equal(verdicts.filter(({ status }) => status === 201).length, 1)
  t.equal(verdicts.filter(({ status }) => status === 200).length, 63)
  t.equal(new Set(verdicts.map(({ record }) => record?.recordId)).size, 1)
  t.same(await rig.rows('select count(*) from record_version'), [{ count: 1 }])
})

t.test('two suppliers reporting the same jab in the same moment, in two processes, make one event', async (t) => {
  const rig = await createIngestRig(t)
  const other = await openIngest(t, rig.pool, rig.database)

  const numbers = ['9990013675', '9990016410', '9990017786']

  await Promise.all(
    numbers.flatMap((nhsNumber) => [
      rig.post(fluByPharmacy({ nhsNumber })),
      other.post(
        fluByPharmacy({ nhsNumber, system: 'https://gp.example/imms', primarySource: false }),
        clientOf('gp-system')
      )
    ])
  )

  t.same(await rig.rows('select count(*) from record'), [{ count: 6 }])
  t.same(
    await rig.rows('select count(*) as members from event_group_member group by group_id'),
    numbers.map(() => ({ members: 2 }))
  )
})

t.test('a neighbour that breaks inside the transaction costs the others nothing', async (t) => {
  const rig = await createIngestRig(t)
  await rig.pool.query(`
    create function refuse_bad() returns trigger language plpgsql as $$
    begin
      if new.identifier_value = 'BAD' then raise exception 'bad luck'; end if;
      return new;
    end $$;
    create trigger refuse_bad before insert on record for each row execute function refuse_bad()`)
  const faults: unknown[] = []
  const tolerant = await openIngest(t, rig.pool, rig.database, { onFault: (error) => void faults.push(error) })

  const verdicts = await Promise.all(
    ['ONE', 'BAD', 'TWO', 'THREE'].map((value) => tolerant.post(fluByPharmacy({ value })))
  )

  t.same(
    verdicts.map(({ status }) => status),
    [201, 500, 201, 201]
  )
  t.equal(faults.length, 1)
  t.notMatch(JSON.stringify(verdicts[1]?.issues), /bad luck|BAD/, 'nothing of the inside is told')
})

t.test('the audit chain shows an entry that was changed behind its back', async (t) => {
  const rig = await createIngestRig(t)
  await rig.post(fluByPharmacy())
  await rig.post(fluByPharmacy({ nhsNumber: '9990016410' }))
  t.same(await rig.database.stores.audit.findBrokenChains(), [])

  await t.rejects(rig.pool.query(`update audit_entry set actor = 'somebody else'`), /never changed/)
  await rig.pool.query('alter table audit_entry disable trigger audit_entry_append_only')
  await rig.pool.query(`update audit_entry set actor = 'somebody else' where position = 1`)

  t.match(await rig.database.stores.audit.findBrokenChains(), [{ position: 1 }])
})
