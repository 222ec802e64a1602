import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import type { Issue } from '../../src/fhir/issue.js'
import { toOperationOutcome } from '../../src/fhir/operation-outcome.js'
import type { DeliveriesAnswer } from '../../src/http/ops-answers.js'
import { freePort } from '../support/free-port.js'
import { loadRules } from '../../src/rules.js'
import { createRunner } from './open-ops.js'
import { openWounded } from './open-wounded.js'
import { ALTERNATE, BLOCKED, HELD, PATIENT, POSSIBLE, RECORD, RETRYING } from './wounded-hub.js'

const WELL = `update destination set breaker_opened_at = null, resume_at = null`
const DONE = `update delivery set state = 'delivered', last_class = 'delivered', finished_at = now() where finished_at is null`

t.test('status prints the verdict, the worst destination first, and ends with 1 while there is trouble', async (t) => {
  const { reader, pool } = await openWounded(t)

  const ill = await reader(['status'])
  const json = await reader(['status', '--json'])
  await pool.query(WELL)
  await pool.query(DONE)
  const well = await reader(['status'])

  t.equal(ill.code, 1)
  t.equal(ill.stderr, '')
  const lines = ill.stdout.split('\n')
  t.match(lines[0], /^TROUBLE Trouble at 2 of 3 destinations\. gp-record: breaker open since/)
  t.match(
    lines[2],
    /^DESTINATION +STATE +OLDEST +HELD +DUE +RETRY +BLOCKED +QUEUED +SENDING +VERIFY +SENT\/H +ERRORS\/H +LAST SENT$/
  )
  t.match(lines[3], /^gp-record +breaker open +1h +2 +0 +1 +0 +0 +0 +0 +0 +4 +50m ago$/)
  t.match(lines[4], /^nhs-immunisation-api +active +50m +1 +0 +0 +1 /)
  t.match(lines[5], /^eligibility-store +active +- +0 /)
  t.match(ill.stdout, '  imms deliveries list --destination gp-record --state held\n')
  t.match(JSON.parse(json.stdout), { verdict: 'trouble', destinations: [{ destination: 'gp-record' }, {}, {}] })
  t.equal(json.code, 1)
  t.equal(well.code, 0)
  t.match(well.stdout, /^OK All 3 destinations are well\.\n/)
})

t.test('tables fit the terminal, ids stay whole, and what is left out is said', async (t) => {
  const { reader } = await openWounded(t)
  const commands = [
    ['status'],
    ['deliveries', 'list'],
    ['deliveries', 'show', HELD],
    ['errors', 'top'],
    ['refusals'],
    ['audit', 'list'],
    ['replay', 'list']
  ]
  for (const columns of [80, 120, 200]) {
    for (const argv of commands) {
      const { stdout } = await reader(argv, { columns })
      const table = stdout.split('\n').filter((line) => /^[A-Z][A-Z/ ]+$|^\d|^019ad|^gp-|^nhs-|^elig/.test(line))
      for (const line of table) t.ok(line.length <= columns, `${argv.join(' ')} at ${columns}: ${line.length} ${line}`)
    }
  }
  const narrow = await reader(['deliveries', 'list'], { columns: 80 })
  t.match(narrow.stdout, HELD)
  t.match(narrow.stdout, 'Some columns do not fit this terminal: make it wider, or use --json.')
  const piped = await reader(['deliveries', 'list'])
  t.notMatch(piped.stdout, 'Some columns do not fit')
})

t.test('colours are for a terminal that wants them', async (t) => {
  const { reader } = await openWounded(t)

  const wanted = await reader(['status'], { columns: 200, colour: true })
  const unwanted = await reader(['status'], { columns: 200, colour: false })
  const piped = await reader(['status'], { colour: true })

  t.not(wanted.stdout, stripVTControlCharacters(wanted.stdout))
  t.equal(unwanted.stdout, stripVTControlCharacters(unwanted.stdout))
  t.equal(piped.stdout, stripVTControlCharacters(piped.stdout))
  t.equal(stripVTControlCharacters(wanted.stdout), unwanted.stdout)
})

t.test('a message of a receiver cannot steer the terminal', async (t) => {
  const { reader, pool } = await openWounded(t)
  const message = '\u001b]0;owned\u0007\u001b[2Jall is well\r\nOK \u009b31m\u202e'
  await pool.query('update delivery set last_message = $1 where delivery_id = $2', [message, HELD])

  const listed = await reader(['deliveries', 'list', '--state', 'held'], { columns: 200 })
  const explained = await reader(['explain', RECORD])

  for (const { stdout } of [listed, explained]) {
    t.match(stdout, 'all is well OK')
    t.notMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\u202e]/u)
  }
})

t.test('a reader that has seen enough ends no command with a crash', async (t) => {
  const ops = await openWounded(t)
  const token = (await ops.bearer({ scopes: ['ops/read'] })).replace('Bearer ', '')
  const closed = (code: string) =>
    new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error('write failed'), { code }))
      }
    })

  const ran = await createRunner({ url: ops.url, token }, { stdout: closed('EPIPE') })(['status'])

  t.equal(ran.code, 1, 'the verdict of status')
  t.equal(ran.stderr, '')
})

t.test('explain leads from a record that waits to the commands that help', async (t) => {
  const { reader } = await openWounded(t)

  const told = await reader(['explain', RECORD])
  const other = await reader(['explain', ALTERNATE])
  const unknown = await reader(['explain', HELD])
  const wrong = await reader(['explain', '../status'])

  t.equal(told.code, 1)
  t.match(
    told.stdout,
    `Record ${RECORD}\nFLU, completed, from sandwell-pharmacy, version 3\n\nVersion 3 update by sandwell-pharmacy`
  )
  t.match(
    told.stdout,
    '  blocked     Version 3 for nhs-immunisation-api waits behind version 2, which is held since 2026-11-02 08:12:00 UTC (400 refused: '
  )
  t.match(told.stdout, `imms deliveries skip ${HELD} --reason "<why>"`)
  t.match(told.stdout, `Record ${ALTERNATE} is the same jab by rule same-day-same-product (100 points)`)
  t.match(told.stdout, `possible duplicate Record ${POSSIBLE} may be the same jab`)
  t.equal(other.code, 0)
  t.same([unknown.code, unknown.stdout], [2, ''])
  t.match(unknown.stderr, 'imms: this record is not known here; take the id from the Location')
  t.equal(wrong.code, 2)
  t.match(wrong.stderr, 'path.id: must be an id (UUID) as the Hub gave it')
})

t.test('explain tells what was said of a version, in the answer and by the terminology server since', async (t) => {
  const { reader, pool } = await openWounded(t)
  const remark = { severity: 'warning', code: 'code-invalid', layer: 'profile', rule: 'profile-terminology-outside' }
  const answered: Issue = {
    severity: 'information',
    code: 'required',
    layer: 'programme',
    rule: 'site-missing',
    text: 'the site is missing'
  }
  const outcome = JSON.stringify(toOperationOutcome([answered]))
  await pool.query('update record_version set outcome = $2 where record_id = $1', [ALTERNATE, outcome])
  await pool.query(`insert into terminology_check (record_id, version) select record_id, version from record_version`)
  const waiting = await reader(['explain', ALTERNATE])
  await pool.query('update terminology_check set checked_at = now(), issues = $1', [
    JSON.stringify([{ ...remark, text: 'Immunization.route is outside value set routes' }])
  ])
  const told = await reader(['explain', ALTERNATE])
  const json = await reader(['explain', ALTERNATE, '--json'])

  t.equal(told.code, 0, 'a remark is no trouble')
  t.match(waiting.stdout, '  information terminology-waiting, said afterwards: the terminology server was not asked')
  t.notMatch(told.stdout, 'terminology-waiting')
  t.match(told.stdout, '  information site-missing, said when accepted: the site is missing')
  t.match(
    told.stdout,
    '  warning     profile-terminology-outside, said afterwards: Immunization.route is outside value set routes'
  )
  t.match(JSON.parse(json.stdout), {
    versions: [{ remarks: [{ said: 'when accepted' }, { said: 'afterwards', severity: 'warning' }] }]
  })
})

t.test('deliveries are listed with counts, filters and pages, and shown with their attempts', async (t) => {
  const { reader } = await openWounded(t)

  const all = await reader(['deliveries', 'list'])
  const held = await reader(['deliveries', 'list', '--state', 'held,blocked', '--destination', 'nhs-immunisation-api'])
  const lately = await reader(['deliveries', 'list', '--since', '45m', '--until', '2026-11-02T08:35:00Z', '--json'])
  const first = await reader(['deliveries', 'list', '--limit', '4'])
  const cursor = /More: --after (\S+)/.exec(first.stdout)?.[1] ?? ''
  const second = await reader(['deliveries', 'list', '--limit', '8', '--after', cursor])
  const none = await reader(['deliveries', 'list', '--record', RECORD, '--class', 'credentials'])
  const shown = await reader(['deliveries', 'show', RETRYING])

  t.equal(all.code, 0)
  t.match(all.stdout, /^held 3 {3}ready 1 {3}blocked 1 {3}delivered 4\n\nDELIVERY +DESTINATION +STATE/)
  t.match(
    held.stdout,
    new RegExp(
      `^held 1 +blocked 1\n\n.*\n${BLOCKED} +nhs-immunisation-api +blocked .*\n${HELD} +nhs-immunisation-api +held +50m +400 refused +1 `
    )
  )
  t.same(
    (JSON.parse(lately.stdout) as DeliveriesAnswer).deliveries.map((one) => one.deliveryId),
    [RETRYING, BLOCKED].sort().reverse()
  )
  t.notMatch(second.stdout, 'More:')
  t.equal(none.stdout, 'No deliveries match.\n')
  t.match(
    shown.stdout,
    `Delivery ${RETRYING} ready\ncreate of version 1 of record ${ALTERNATE} (gp-system) to gp-record\n`
  )
  t.match(
    shown.stdout,
    /2026-11-02 08:24:58 +120 ms +1 +2 +schedule +503 unavailable +the receiver answered 503\n2026-11-02 08:24:57 /
  )
})

t.test('errors, refusals and the audit trail are printed, and so is that there are none', async (t) => {
  const { imms, reader } = await openWounded(t)

  const errors = await reader(['errors', 'top', '--since', '2h'])
  const noErrors = await reader(['errors', 'top', '--since', '5m'])
  const refusals = await reader(['refusals', '--limit', '2'])
  const noRefusals = await reader(['refusals', '--since', '1m'])
  const noAudit = await reader(['audit', 'list'])
  const paused = await imms(['destination', 'pause', 'gp-record', '--reason', 'INC-7: codes are being mended'])
  const resumed = await imms(['destination', 'resume', 'gp-record', '--reason', 'INC-7 is over', '--json'])
  const audit = await reader(['audit', 'list', '--action', 'destination', '--since', '1h'])

  t.match(errors.stdout, /\n +2 +gp-record +503 unavailable +35m ago +35m ago +\S+ +the receiver answered 503\n/)
  t.match(errors.stdout, /Next: imms deliveries show 019ad6f0/)
  t.equal(noErrors.stdout, 'No attempt failed since 2026-11-02 08:55:00 UTC.\n')
  t.match(refusals.stdout, /COUNT +RULE +SUPPLIER\n +3 +nhs-number-check-digit +sandwell-pharmacy\n/)
  t.match(
    refusals.stdout,
    /2026-11-02 08:05:00 +sandwell-pharmacy +422 +nhs-number-check-digit, batch-not-expired +refused-5/
  )
  t.match(refusals.stdout, /More: --after 2026-11-02T08:04/)
  t.equal(noRefusals.stdout, 'Nothing was refused since 2026-11-02 08:59:00 UTC.\n')
  t.equal(noAudit.stdout, 'No entry matches.\n')
  t.equal(paused.stdout, 'gp-record is paused. Next: imms status\n')
  t.same(JSON.parse(resumed.stdout), { destination: 'gp-record', state: 'active' })
  t.match(
    audit.stdout,
    /2026-11-02 09:00:00 +night-desk +destination.pause +destination=gp-record before=active reason=INC-7: codes are being mended/
  )
})

t.test('skipping needs a reason and says what goes next', async (t) => {
  const { imms } = await openWounded(t)

  const noReason = await imms(['deliveries', 'skip', HELD])
  const skipped = await imms(['deliveries', 'skip', HELD, '--reason', 'INC-8: version 3 mends it'])
  const again = await imms(['deliveries', 'skip', HELD, '--reason', 'INC-8: version 3 mends it'])

  t.equal(noReason.code, 2)
  t.match(noReason.stderr, "required option '--reason <text>' not specified")
  t.equal(skipped.stdout, `Delivery ${HELD} was skipped, the version behind it goes now.\n`)
  t.equal(again.code, 3)
})

t.test('who may not is told why and what to do, with exit code 3', async (t) => {
  const { nobody, supplier, reader, url, pool } = await openWounded(t)

  const unknown = await nobody(['status'])
  const forged = await createRunner({ url, token: 'e30.e30.e30' })(['status'])
  const wrongScope = await supplier(['status'])
  const readOnly = await reader(['destination', 'pause', 'gp-record', '--reason', 'INC-7'])
  const json = await reader(['deliveries', 'skip', HELD, '--reason', 'INC-7', '--json'])

  t.same(
    [unknown, forged, wrongScope, readOnly, json].map((ran) => ran.code),
    [3, 3, 3, 3, 3]
  )
  t.match(unknown.stderr, 'No token was given: put one into IMMS_TOKEN')
  t.match(forged.stderr, 'The token was not accepted')
  t.match(wrongScope.stderr, 'lacks the scope ops/read')
  t.match(readOnly.stderr, 'lacks the scope ops/write')
  t.match(JSON.parse(json.stderr), { resourceType: 'OperationOutcome' })
  t.same((await pool.query('select count(*) from audit_entry')).rows, [{ count: 0 }])
})

t.test('a service that is not there, or is something else, is trouble', async (t) => {
  const port = await freePort()
  const stranger = createServer((_request, response) => response.end('<html>hello</html>'))
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
  t.teardown(() => stranger.close())
  const strangerUrl = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`
  const imms = createRunner({ url: `http://127.0.0.1:${port}` })

  const away = await imms(['status'])
  const strange = await imms(['status', '--url', strangerUrl])
  const noUrl = await imms(['status', '--url', 'hub'])

  t.equal(away.code, 1)
  t.match(away.stderr, `imms: no answer from the service at http://127.0.0.1:${port}: is it running (npm start)?`)
  t.equal(strange.code, 1)
  t.match(strange.stderr, 'is this the Immunisation Hub?')
  t.equal(noUrl.code, 2)
})

t.test('what is typed wrongly is answered with help and exit code 2, help that is asked for with 0', async (t) => {
  const imms = createRunner({ url: 'http://127.0.0.1:1' })
  const wrong = [
    [],
    ['stats'],
    ['status', '--verbose'],
    ['status', 'now'],
    ['explain'],
    ['deliveries'],
    ['deliveries', 'list', '--since', 'yesterday'],
    ['destination', 'pause', 'gp-record'],
    ['replay'],
    ['replay', 'plan', '--destination', 'gp-record'],
    ['replay', 'plan', '--reason', 'INC-7'],
    ['replay', '--destination', 'gp-record', '--limit', 'all'],
    ['token']
  ]
  for (const argv of wrong) {
    const { code, stderr, stdout } = await imms(argv)
    t.equal(code, 2, argv.join(' ') || '(nothing)')
    t.not(stderr, '')
    t.equal(stdout, '')
  }
  const help = await imms(['--help'])
  t.equal(help.code, 0)
  for (const name of [
    'status',
    'explain',
    'deliveries',
    'errors',
    'destination',
    'replay',
    'refusals',
    'audit',
    'token',
    'validate',
    'profiles'
  ])
    t.match(help.stdout, new RegExp(`\n {2}${name}`))
  t.match(help.stdout, 'Exit codes: 0 ok, 1 trouble found, 2 typed wrongly, 3 refused.')
  t.equal((await imms(['replay', '--help'])).code, 0)
})

t.test('a token is printed as it is, or the reason why there is none', async (t) => {
  const asked: unknown[] = []
  const issuing = createRunner(
    { url: 'http://127.0.0.1:1' },
    {
      issueToken: (request) => {
        asked.push(request)
        return Promise.resolve('a.b.c')
      }
    }
  )
  const plain = await issuing(['token', '--client', 'school-team'])
  const full = await issuing([
    'token',
    '--client',
    'ops',
    '--scope',
    'ops/read ops/write',
    '--permissions',
    'FLU.CRUDS,COVID.CS',
    '--tolerant',
    '--json'
  ])
  const refused = await createRunner({ url: 'http://127.0.0.1:1' })(['token', '--client', 'ops'])

  t.same(plain, { code: 0, stdout: 'a.b.c\n', stderr: '' })
  t.same(JSON.parse(full.stdout), { token: 'a.b.c' })
  t.same(asked, [
    { client: 'school-team' },
    { client: 'ops', scope: 'ops/read ops/write', permissions: ['FLU.CRUDS', 'COVID.CS'], tolerant: true }
  ])
  t.same(refused, { code: 3, stdout: '', stderr: 'imms: there is no issuer here\n' })
})

t.test('validate prints every issue with its line, and ends with 1 when a file is refused', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'imms-validate-'))
  const good = path.join(folder, 'good.json')
  const bad = path.join(folder, 'bad.json')
  await writeFile(good, '{"resourceType":"Immunization"}')
  await writeFile(bad, `{\n  "resourceType": "Immunization",\n  "lotNumber": "${PATIENT.family}"\n}`)
  const fault: Issue = {
    severity: 'error',
    code: 'required',
    layer: 'profile',
    rule: 'r4-cardinality',
    text: 'Immunization.lotNumber is not allowed here; leave it out',
    expression: ['Immunization.lotNumber']
  }
  const warning: Issue = {
    ...fault,
    severity: 'warning',
    rule: 'batch-known',
    text: 'the batch is not known',
    expression: ['Immunization.status']
  }
  const imms = createRunner(
    { url: 'http://127.0.0.1:1' },
    { validate: (text) => Promise.resolve(text.includes('lotNumber') ? [fault, warning] : []) }
  )

  const both = await imms(['validate', good, bad])
  const fine = await imms(['validate', good])
  const piped = await imms(['validate', '-', '--json'], { piped: '{"lotNumber":1}' })
  const missing = await imms(['validate', path.join(folder, 'none.json')])

  t.equal(both.code, 1)
  t.equal(
    both.stdout,
    `valid    ${good}  0 errors, 0 warnings\n` +
      `invalid  ${bad}  1 error, 1 warning\n` +
      '  error       Immunization.lotNumber is not allowed here; leave it out\n' +
      `              ${bad}:3:3  Immunization.lotNumber  rule r4-cardinality\n` +
      '  warning     the batch is not known\n' +
      `              ${bad}:1:1  Immunization.status  rule batch-known\n`
  )
  t.same([fine.code, fine.stdout], [0, `valid    ${good}  0 errors, 0 warnings\n`])
  t.equal(piped.code, 1)
  t.match(JSON.parse(piped.stdout), [{ file: '-', valid: false, outcome: { resourceType: 'OperationOutcome' } }])
  t.equal(missing.code, 2)
  t.match(missing.stderr, /none\.json: cannot be read \(ENOENT\)/)
})

t.test('profiles shows what records are judged by, as it was compiled', async (t) => {
  const { validator } = await loadRules()
  const imms = createRunner({ url: 'http://127.0.0.1:1' }, { readProfiles: () => Promise.resolve(validator) })
  const canonical = 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-Immunization'

  const list = await imms(['profiles', 'list'])
  const listed = await imms(['profiles', 'list', '--json'])
  const narrow = await imms(['profiles', 'list'], { columns: 110 })
  const show = await imms(['profiles', 'show', 'Immunization'], { columns: 120 })
  const shown = await imms(['profiles', 'show', canonical, '--json'])
  const schema = await imms(['profiles', 'schema', 'Immunization'])
  const unknown = await imms(['profiles', 'show', 'Immunisation'])

  t.match(list.stdout, /^Immunization +[\d.]+ +always +https:\S+UKCore-Immunization +UKCore-Immunization\.json$/m)
  t.same(JSON.parse(listed.stdout), validator.profiles())
  for (const line of narrow.stdout.split('\n')) t.ok(line.length <= 110, line)
  t.match(show.stdout, /^Immunization\.vaccineCode +1\.\.1/m)
  for (const line of show.stdout.split('\n')) t.ok(line.length <= 120, line)
  t.same(JSON.parse(shown.stdout), validator.describe(canonical))
  t.same(JSON.parse(schema.stdout), validator.jsonSchema('Immunization'))
  t.equal(unknown.code, 2)
  t.match(unknown.stderr, /no profile "Immunisation" is loaded; give the canonical .* Immunization,/)
})

t.test('validate colours its verdicts on a terminal only', async (t) => {
  const issue: Issue = { severity: 'error', code: 'required', layer: 'base', rule: 'r4-x', text: 'x is required' }
  const imms = createRunner({ url: 'http://127.0.0.1:1' }, { validate: () => [issue] })

  const coloured = await imms(['validate', '-'], { piped: '{}', colour: true, columns: 100 })
  const plain = await imms(['validate', '-'], { piped: '{}', colour: true })

  t.match(coloured.stdout, '\u001b[31minvalid')
  t.notMatch(plain.stdout, '\u001b[')
})

t.test('no command prints anything of the patient', async (t) => {
  const { imms } = await openWounded(t)
  const commands = [
    ['status'],
    ['explain', RECORD],
    ['explain', ALTERNATE],
    ['deliveries', 'list'],
    ['deliveries', 'show', HELD],
    ['errors', 'top'],
    ['refusals'],
    ['destination', 'pause', 'gp-record', '--reason', 'INC-7'],
    ['destination', 'resume', 'gp-record', '--reason', `for ${PATIENT.nhsNumber.slice(0, 9)}0`],
    ['replay', '--destination', 'gp-record', '--start', '--confirm', '2', '--reason', 'INC-7'],
    ['replay', 'list'],
    ['deliveries', 'skip', HELD, '--reason', 'INC-8'],
    ['audit', 'list']
  ]
  let seen = ''
  for (const argv of commands) {
    for (const json of [[], ['--json']]) {
      const { stdout, stderr } = await imms([...argv, ...json])
      seen += stdout + stderr
    }
  }
  t.match(seen, RECORD)
  for (const [name, value] of Object.entries(PATIENT)) t.notOk(seen.includes(value), name)
})
