// Codes that are looked up after a record was accepted: on real PostgreSQL, with the sandbox as terminology server.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Immunization, Patient } from 'fhir/r4.js'
import t from 'tap'
import { createAnswerBook } from '../../src/terminology/answer-book.js'
import { createKnownTerminology } from '../../src/terminology/known-terminology.js'
import { fluByPharmacy, rules, rulesOf } from '../support/ingest-rig.js'
import { createTerminologyRig } from '../support/terminology-rig.js'
import { waitFor } from '../support/wait-for.js'

const SNOMED = 'http://snomed.info/sct'
const DMD = 'https://dmd.nhs.uk'
/** Of the fixture: its vaccination procedure, its product and its route. */
const CODES_OF_FIXTURE = 3
const PRODUCT = fluByPharmacy().vaccineCode.coding?.[0]?.code ?? ''

/** The product in dm+d, which is asked about with the value set. */
function withDmdProduct(code = PRODUCT): Immunization {
  return fluByPharmacy({
    vaccineCode: {
      coding: [
        { system: SNOMED, code: PRODUCT },
        { system: DMD, code }
      ]
    }
  })
}

t.test('a code outside its value set is accepted at once, and told on the record afterwards', async (t) => {
  const rig = await createTerminologyRig(t)
  await rig.know({ outside: [PRODUCT] })
  const record = withDmdProduct()

  const posted = await rig.post(record)
  const { recordId = '' } = posted.record ?? {}
  const before = await rig.remarksOf(recordId)
  await rig.openChecker(t)
  const issues = await rig.waitForIssues(recordId)

  t.equal(posted.status, 201)
  t.notOk(
    rulesOf(posted).some((rule) => rule.includes('terminology')),
    'nobody waited for the server'
  )
  t.match(before.at(-1), { said: 'afterwards', rule: 'terminology-waiting' })
  t.match(issues, [
    {
      severity: 'information',
      code: 'code-invalid',
      rule: 'profile-terminology-outside',
      expression: ['Immunization.vaccineCode'],
      diagnostics: /^terminology server, asked 20.*, http:\/\/snomed\.info\/sct\/83821000000107\/version\/20261104$/
    },
    { severity: 'information', rule: 'profile-terminology-code', expression: ['Immunization.vaccineCode.coding[0]'] }
  ])
  t.equal(issues.length, 2)
  t.notMatch(JSON.stringify(issues), PRODUCT, 'no value of the record is repeated')
  t.match((await rig.remarksOf(recordId)).slice(-2), [
    { said: 'afterwards', rule: 'profile-terminology-outside' },
    { said: 'afterwards', rule: 'profile-terminology-code' }
  ])
  const resent = await rig.post(record)
  t.equal(resent.status, 200)
  t.same(rulesOf(resent), ['exact-resend', 'profile-terminology-outside', 'profile-terminology-code'])
  t.match(await rig.rows(`select actor, record_id, detail from audit_entry where action = 'terminology.checked'`), [
    { actor: 'service', record_id: recordId, detail: /profile-terminology-outside/ }
  ])
  t.same(await rig.database.stores.audit.findBrokenChains(), [])
})

t.test('a known and active record is left in peace; an inactive code is information', async (t) => {
  const rig = await createTerminologyRig(t)
  await rig.openChecker(t)
  const well = await rig.post(fluByPharmacy())
  t.same(await rig.waitForIssues(well.record?.recordId ?? ''), [])
  t.same(await rig.rows(`select from audit_entry where action = 'terminology.checked'`), [])
  const removed = await rig.remove(well.record?.recordId ?? '')
  t.equal(removed.status, 204)
  t.equal((await rig.rows('select from terminology_check')).length, 1, 'a delete has no codes')

  await rig.rows('delete from terminology_answer')
  await rig.know({ inactive: [PRODUCT] })
  await rig.openChecker(t)
  const old = await rig.post(withDmdProduct())
  await waitFor(async () => (await rig.asked()).length > CODES_OF_FIXTURE, 'another question')
  t.match(await rig.waitForIssues(old.record?.recordId ?? ''), [
    { severity: 'information', rule: 'profile-terminology-inactive' }
  ])
})

t.test('code and system leave, with the value set; nothing of the patient or the record does', async (t) => {
  const rig = await createTerminologyRig(t)
  await rig.openChecker(t, { token: 'synthetic-token' })
  const record = withDmdProduct()
  const posted = await rig.post(record)
  await rig.waitForIssues(posted.record?.recordId ?? '')

  const asked = await rig.asked()
  const patient = record.contained?.find((resource): resource is Patient => resource.resourceType === 'Patient')
  t.equal(asked.length, CODES_OF_FIXTURE + 1)
  t.ok(asked.every((request) => request.includes('"authorization":"Bearer synthetic-token"')))
  t.ok(asked.some((request) => request.startsWith('POST /terminology/fhir/ValueSet/$validate-code')))
  t.match(asked.join(), '"url":"https://fhir.hl7.org.uk/ValueSet/UKCore-VaccineCode"')
  const secrets = [
    patient?.identifier?.[0]?.value,
    patient?.name?.[0]?.family,
    patient?.birthDate,
    patient?.address?.[0]?.postalCode,
    record.identifier?.[0]?.value,
    record.lotNumber,
    record.occurrenceDateTime,
    record.location?.identifier?.value,
    posted.record?.recordId
  ]
  for (const secret of secrets) {
    t.ok((secret ?? '').length > 2, 'there is something to look for')
    t.notMatch(asked.join(), secret ?? '')
  }
  t.notMatch(asked.join(), /display|Patient/)
})

t.test('two processes ask each code once, however many records have it', async (t) => {
  const rig = await createTerminologyRig(t)
  const verdicts = await Promise.all(Array.from({ length: 150 }, () => rig.post(fluByPharmacy())))
  await Promise.all([rig.openChecker(t), rig.openChecker(t)])
  for (const { record } of verdicts) t.same(await rig.waitForIssues(record?.recordId ?? ''), [])
  t.equal((await rig.asked()).length, CODES_OF_FIXTURE)
})

t.test('accepting goes on while the server hangs, and so does what is known already', async (t) => {
  const rig = await createTerminologyRig(t)
  const checker = await rig.openChecker(t, { timeoutMs: 60_000 })
  const known = await rig.post(fluByPharmacy())
  await rig.waitForIssues(known.record?.recordId ?? '')
  await rig.set({ mode: 'slow', delayMs: 86_400_000 })

  const first = await rig.post(withDmdProduct())
  await waitFor(async () => (await rig.asked()).length === CODES_OF_FIXTURE + 1, 'the server to hang')
  const second = await rig.post(fluByPharmacy())
  const open = await rig.rows('select from terminology_check where record_id = $1 and checked_at is null', [
    first.record?.recordId
  ])
  t.equal(second.status, 201)
  t.equal(open.length, 1, 'the answer to the second came while the first still waits')

  await checker.stop()
  await rig.set({ mode: 'up' })
  await rig.openChecker(t)
  t.same(await rig.waitForIssues(first.record?.recordId ?? ''), [], 'what was broken off was given back')
  t.same(await rig.waitForIssues(second.record?.recordId ?? ''), [])
})

t.test('answers survive a restart: a new process needs no server for codes that are known', async (t) => {
  const rig = await createTerminologyRig(t)
  const before = await rig.openChecker(t)
  const first = await rig.post(fluByPharmacy())
  await rig.waitForIssues(first.record?.recordId ?? '')
  await before.stop()
  await rig.set({ mode: 'down' })

  await rig.openChecker(t)
  const known = await rig.post(fluByPharmacy())
  t.same(await rig.waitForIssues(known.record?.recordId ?? ''), [])
  t.equal((await rig.asked()).length, CODES_OF_FIXTURE)
})

t.test('an answer that has expired is asked again', async (t) => {
  const rig = await createTerminologyRig(t)
  await rig.openChecker(t, { policy: { keep: { memberMs: 0, notMemberMs: 0, unknownMs: 0 } } })
  const first = await rig.post(fluByPharmacy())
  await waitFor(async () => (await rig.asked()).length > CODES_OF_FIXTURE, 'a code to be asked again')
  await rig.openChecker(t)
  t.same(await rig.waitForIssues(first.record?.recordId ?? ''), [])
})

const FAULTS: { name: string; setting: object; problem: RegExp }[] = [
  { name: 'is down', setting: { mode: 'down' }, problem: /^it answered 503$/ },
  {
    name: 'does not answer in time',
    setting: { mode: 'slow', delayMs: 86_400_000 },
    problem: /^it did not answer within 200 ms$/
  },
  { name: 'breaks the connection', setting: { mode: 'reset' }, problem: /^it cannot be reached$/ },
  { name: 'has had enough', setting: { mode: 'limited', retryAfterSeconds: 0 }, problem: /^it answered 429$/ },
  { name: 'does not accept the token', setting: { mode: 'credentials' }, problem: /TERMINOLOGY_TOKEN$/ },
  { name: 'answers no JSON', setting: { mode: 'garbled' }, problem: /^its answer is no JSON object$/ }
]

for (const { name, setting, problem } of FAULTS) {
  t.test(`while the server ${name} the record says so, and is looked up when that is over`, async (t) => {
    const rig = await createTerminologyRig(t)
    await rig.set(setting)
    const posted = await rig.post(fluByPharmacy())
    const recordId = posted.record?.recordId ?? ''
    await rig.openChecker(t, { timeoutMs: 200 })
    const open = await waitFor(async () => {
      const issues = await rig.issuesOf(recordId)
      return issues.length > 0 && issues
    }, 'the record to say that something is open')
    const row = await waitFor(async () => {
      const rows = await rig.rows<{ problem: string }>('select problem from terminology_answer where failures > 1')
      return rows[0]
    }, 'a second try')
    t.match(row.problem, problem)
    t.match(open, [{ severity: 'information', code: 'transient', rule: 'profile-terminology-open' }])

    await rig.set({ mode: 'up' })
    t.same(await rig.waitForIssues(recordId), [])
  })
}

t.test('a value set that the server cannot judge is a remark, and is not asked about again and again', async (t) => {
  const rig = await createTerminologyRig(t)
  await rig.set({ mode: 'refuse' })
  await rig.openChecker(t)
  const posted = await rig.post(withDmdProduct())
  const issues = await rig.waitForIssues(posted.record?.recordId ?? '')
  t.ok(issues.length > 0)
  for (const issue of issues)
    t.match(issue, { severity: 'information', code: 'not-found', rule: 'profile-terminology-unchecked' })
  const next = await rig.post(withDmdProduct())
  t.same(await rig.waitForIssues(next.record?.recordId ?? ''), issues)
  t.equal((await rig.asked()).length, 0, 'the sandbox refuses before it reads')
})

t.test('what a dead process had taken is taken up by another', async (t) => {
  const rig = await createTerminologyRig(t)
  const posted = await rig.post(fluByPharmacy())
  const { terminologyChecks, terminologyAnswers } = rig.database.stores
  const [claimed] = await terminologyChecks.claim(10, 60_000)
  const question = { valueSet: '', system: SNOMED, code: PRODUCT }
  t.equal((await terminologyAnswers.claim([question], 60_000)).length, 1)
  t.same(await terminologyChecks.claim(10, 60_000), [], 'it is leased')
  t.same(await terminologyAnswers.claim([question], 60_000), [])
  await rig.rows('update terminology_check set due_at = now()')
  await rig.rows('update terminology_answer set due_at = now()')

  await rig.openChecker(t)
  t.same(await rig.waitForIssues(posted.record?.recordId ?? ''), [])
  const late = claimed === undefined ? [] : await terminologyChecks.finish([{ ...claimed, issues: [] }])
  t.same(late, [], 'whoever comes back late changes nothing')
})

t.test('redirects are not followed, and an endless answer is not read to its end', async (t) => {
  const rig = await createTerminologyRig(t)
  const visited: string[] = []
  const server = createServer((request, response) => {
    visited.push(request.url ?? '')
    if (request.url?.startsWith('/redirect') === true) {
      response.writeHead(307, { location: '/elsewhere' }).end()
      return
    }
    const chunk = 'x'.repeat(5_000)
    const more = (): void => {
      if (!response.destroyed && response.write(chunk)) setImmediate(more)
    }
    response.on('drain', more)
    more()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (const [path, problem] of [
    ['redirect', 'it answered 307; redirects are not followed'],
    ['endless', 'its answer is too large']
  ]) {
    await rig.rows('delete from terminology_answer')
    const checker = await rig.openChecker(t, { url: `${base}/${path ?? ''}` })
    await rig.post(fluByPharmacy())
    await waitFor(
      async () => (await rig.rows('select from terminology_answer where problem = $1', [problem])).length > 0,
      problem ?? ''
    )
    await checker.stop()
  }
  t.notOk(visited.includes('/elsewhere'))
})

t.test('$validate is told what is known, and never asks', async (t) => {
  const rig = await createTerminologyRig(t)
  const { terminologyAnswers, terminologyChecks } = rig.database.stores
  const known = (): ReturnType<typeof createKnownTerminology> =>
    createKnownTerminology({
      validator: rules.validator,
      book: createAnswerBook(terminologyAnswers, () => performance.now()),
      checks: terminologyChecks
    })
  const record = withDmdProduct()
  await rig.know({ outside: [PRODUCT] })
  t.same(await known()([], record), [], 'nothing is known, nothing is said')
  t.same(await rig.asked(), [])

  await rig.openChecker(t)
  const posted = await rig.post(record)
  const recordId = posted.record?.recordId ?? ''
  const told = await rig.waitForIssues(recordId)
  t.equal(told.length, 2)
  t.same(await known()([], record), told)
  t.same(await known()(told, record), told, 'nothing is said twice')
  await rig.rows(`update terminology_answer set expires_at = now() where code = '${PRODUCT}'`)
  t.same(await known()([], record), [], 'an answer that has expired says nothing')
  t.same(await known()([], record, { recordId, version: 1 }), told, 'but what was found for this very version does')
})

t.test('answers of late are kept in memory, so many and so long', async (t) => {
  const rig = await createTerminologyRig(t)
  const { terminologyAnswers } = rig.database.stores
  const questions = ['1', '2', '3'].map((code) => ({ valueSet: '', system: SNOMED, code }))
  const claimed = await terminologyAnswers.claim(questions, 1_000)
  const answer = { result: 'member', inactive: false, systemVersion: null, keepMs: 60_000 } as const
  await terminologyAnswers.recordAnswers(claimed.map((question) => ({ ...question, ...answer })))
  let at = 0
  const book = createAnswerBook(terminologyAnswers, () => at, 2)
  await book.lookUp(questions)
  await rig.rows('delete from terminology_answer')

  const find = await book.lookUp(questions)
  t.same(
    questions.map((question) => find(question)?.result),
    [undefined, 'member', 'member'],
    'the one that was used longest ago has gone'
  )
  at = 60_001
  const later = await book.lookUp(questions)
  t.same(
    questions.map((question) => later(question)),
    [undefined, undefined, undefined]
  )
})
