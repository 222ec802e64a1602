// imms programmes: files without a service, and the rules of a running one.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import type { RehearsalAnswer } from '../../src/http/ops-answers.js'
import { registerOpsProgrammes } from '../../src/http/ops-programmes.js'
import { compareVerdicts } from '../../src/ingest/compare-verdicts.js'
import { createLiveRules } from '../../src/live-rules.js'
import { createProgrammeDesk } from '../../src/programme-desk.js'
import { createProgrammeFiles } from '../../src/programme-files.js'
import { loadRules } from '../../src/rules.js'
import { openDoor } from '../http/open-door.js'
import { createIngestRig, fluByPharmacy } from '../support/ingest-rig.js'
import { PROGRAMMES_FOLDER } from '../support/programme-files.js'
import { temporaryFolder } from '../support/service-calls.js'
import { syntheticPatient } from '../support/synthetic.js'
import { createRunner } from './open-ops.js'

const FLU = 'flu-2026-27/1.0.0.yaml'
const FIXTURES = path.join(import.meta.dirname, '../../fixtures/immunization')

/** Files of a folder of the test's own, and the command line that reads it. */
function openFolder(t: Test) {
  const folder = path.join(temporaryFolder(t), 'programmes')
  cpSync(PROGRAMMES_FOLDER, folder, { recursive: true })
  const programmes = pathToFileURL(`${folder}/`)
  const file = (name: string): string => path.join(folder, name)
  return {
    folder,
    programmes,
    file,
    text: (name: string) => readFileSync(file(name), 'utf8'),
    write: (name: string, text: string) => {
      mkdirSync(path.dirname(file(name)), { recursive: true })
      writeFileSync(file(name), text)
      return file(name)
    },
    deps: { programmes: createProgrammeFiles({ programmes }, () => loadRules({ programmes })) }
  }
}

function openOffline(t: Test) {
  const opened = openFolder(t)
  return { ...opened, imms: createRunner({ url: 'http://127.0.0.1:1' }, opened.deps) }
}

t.test('list and show tell the files of the folder', async (t) => {
  const { imms } = openOffline(t)

  const list = await imms(['programmes', 'list'])
  const json = await imms(['programmes', 'list', '--json'])
  const shown = await imms(['programmes', 'show', 'hpv'])
  const version = await imms(['programmes', 'show', 'hpv/1.0.0', '--json'])
  const unknown = await imms(['programmes', 'show', 'hpv/9.0.0'])

  t.same([list.code, json.code, shown.code, version.code], [0, 0, 0, 0])
  t.match(list.stdout, /^PROGRAMME +VERSION +STATUS +VACCINE +FROM +TO +TITLE\n/)
  t.match(list.stdout, /\ncovid-autumn-2026 +0\.1\.0 +draft +COVID +2026-09-01 +2027-03-31 /)
  const rows = JSON.parse(json.stdout) as { id: string; to: string | null }[]
  t.match(
    rows.find(({ id }) => id === 'hpv'),
    { version: '1.0.0', status: 'active', from: '2023-09-01', to: null }
  )
  t.match(shown.stdout, /^Human papillomavirus \(hpv 1\.0\.0\)\n/)
  t.match(shown.stdout, /\n1 +everybody +9 years +12 years\n/)
  t.match(
    shown.stdout,
    /\nGardasil 9 +33493111000001108 +from 9 years +0\.5 ml +intramuscular +high \(H\) +low \(L\)\n/
  )
  t.match(JSON.parse(version.stdout), { id: 'hpv', maxDoseNumber: 3 })
  t.equal(unknown.code, 2)
  t.match(unknown.stderr, /no programme "hpv\/9\.0\.0" is in the folder; there are .*covid-autumn-2026/)
})

t.test('check finds nothing wrong with the folder and counts the cases', async (t) => {
  const { imms, file } = openOffline(t)

  const all = await imms(['programmes', 'check'])
  const one = await imms(['programmes', 'check', file('hpv/1.0.0.cases.yaml'), file('hpv/1.0.0.yaml')])

  t.equal(all.code, 0, all.stdout)
  t.match(all.stdout, /ok {5}\S+hpv\/1\.0\.0\.yaml {2}\d+ cases\n/)
  t.equal(one.code, 0)
  t.equal(one.stdout.split('\n').length, 2, 'a file is checked once')
})

t.test('check names every kind of fault by file and line, and ends with 1', async (t) => {
  const { imms, file, text, write } = openOffline(t)
  const flu = text(FLU)
  const lineOf = (words: string): number => flu.slice(0, flu.indexOf(words)).split('\n').length
  const faults: [string, string, RegExp][] = [
    ['no YAML', `${flu}\n  - : [`, /1\.0\.0\.yaml:\d+: not YAML: /],
    [
      'a wrong word',
      flu.replace(/^status: active$/m, 'status: actve'),
      new RegExp(`1\\.0\\.0\\.yaml:${lineOf('status: active')} at /status: must be one of draft, active, retired`)
    ],
    [
      'a wrong check digit',
      flu.replace("'6142004'", "'6142005'"),
      /1\.0\.0\.yaml:\d+ at \/targetDiseases.*check digit/
    ],
    [
      'an error on a fact of low certainty',
      flu.replace(
        'check: productLicensedForAge, severity: warning, certainty: L',
        'check: productLicensedForAge, severity: error, certainty: L'
      ),
      new RegExp(
        `1\\.0\\.0\\.yaml:${lineOf('check: productLicensedForAge')} at /checks/\\d+/severity: a fact of certainty L`
      )
    ],
    [
      'a case that fails',
      flu.replace('check: batchPresent, severity: warning', 'check: batchPresent, severity: error'),
      /1\.0\.0\.cases\.yaml:\d+ at \/cases\/\d+: "/
    ],
    [
      'a name that is not its version',
      flu.replace(/^version: 1\.0\.0$/m, 'version: 1.2.0'),
      /1\.0\.0\.yaml:\d+ at \/version: is 1\.2\.0, which is not the name of the file/
    ]
  ]
  for (const [what, broken, says] of faults) {
    t.not(broken, flu, what)
    write(FLU, broken)
    const { code, stdout } = await imms(['programmes', 'check', file(FLU)])
    t.equal(code, 1, what)
    t.match(stdout, says, what)
    t.ok(stdout.includes(`fault  ${file(FLU)}`), what)
  }
})

t.test('check holds a file against the folder, and says what a service would not read', async (t) => {
  const { imms, text, write, file } = openOffline(t)
  const next = write('flu-2026-27/1.1.0.yaml', text(FLU).replace(/^version: 1\.0\.0$/m, 'version: 1.1.0'))
  const misnamed = write('flu-2026-27/next.yaml', text(FLU))

  const overlapping = await imms(['programmes', 'check', next])
  const nameless = await imms(['programmes', 'check', misnamed, '--json'])
  const missing = await imms(['programmes', 'check', file('no-such/1.0.0.yaml')])

  t.equal(overlapping.code, 1)
  t.match(
    overlapping.stdout,
    /1\.1\.0\.yaml:\d+ at \/effective: overlaps with \S+1\.0\.0\.yaml and both share the cohorts/
  )
  t.equal(nameless.code, 1)
  t.match(JSON.parse(nameless.stdout), [{ file: misnamed, faults: [/named by their version, 1\.0\.0\.yaml/] }])
  t.equal(missing.code, 1)
  t.match(missing.stdout, /no-such\/1\.0\.0\.yaml: there is no such file/)
})

t.test('a broken folder is told by list, and does not hide the verdict on a sound file', async (t) => {
  const { imms, write, file } = openOffline(t)
  write('broken/1.0.0.yaml', 'id: [')

  const list = await imms(['programmes', 'list'])
  const sound = await imms(['programmes', 'check', file('hpv/1.0.0.yaml')])
  const all = await imms(['programmes', 'check'])

  t.equal(list.code, 1)
  t.match(list.stderr, /broken\/1\.0\.0\.yaml: not YAML/)
  t.equal(sound.code, 0)
  t.equal(all.code, 1)
  t.match(all.stdout, /broken\/1\.0\.0\.yaml:\d+: not YAML/)
})

t.test('diff tells in sentences, of ids and of paths', async (t) => {
  const { imms, text, write } = openOffline(t)
  const stricter = text('hpv/1.0.0.yaml')
    .replace('recommendedAge: P12Y', 'recommendedAge: P13Y')
    .replace('check: minAge, severity: warning', 'check: minAge, severity: information')
  const next = write('hpv/next.yaml', stricter)

  const told = await imms(['programmes', 'diff', 'hpv', next])
  const same = await imms(['programmes', 'diff', 'hpv', 'hpv/1.0.0'])
  const json = await imms(['programmes', 'diff', 'hpv', next, '--json'])

  t.equal(told.code, 0)
  t.equal(
    told.stdout,
    '- the recommended age of dose 1 goes from 12 years to 13 years\n' +
      '- the severity of check minAge goes from warning to information\n'
  )
  t.equal(same.stdout, 'Both say the same.\n')
  t.equal((JSON.parse(json.stdout) as string[]).length, 2)
})

t.test('explain shows every check, what it looked at, its verdict and its source', async (t) => {
  const { imms } = openOffline(t)
  const valid = path.join(FIXTURES, 'valid/hpv-school.json')
  const text = readFileSync(valid, 'utf8')

  const clean = await imms(['programmes', 'explain', valid])
  const young = await imms(['programmes', 'explain', '-'], {
    piped: text.replace(/"birthDate": ?"[^"]+"/, '"birthDate":"2020-01-01"')
  })
  const expired = await imms(['programmes', 'explain', '-'], {
    piped: text.replace(/"expirationDate": ?"[^"]+"/, '"expirationDate":"2020-01-01"')
  })
  const noJson = await imms(['programmes', 'explain', '-'], { piped: '{' })
  const json = await imms(['programmes', 'explain', valid, '--json'])
  const narrow = await imms(['programmes', 'explain', valid], { columns: 100 })

  t.equal(clean.code, 0, clean.stdout)
  t.match(clean.stdout, /^Read: vaccine type HPV; status completed; day of vaccination /)
  t.match(clean.stdout, /\nnotFuture +passed +occurrenceDateTime against the present time/)
  t.match(clean.stdout, /\nhpv 1\.0\.0\nCHECK +VERDICT +LOOKED AT +SOURCE +CERTAINTY\n/)
  t.match(clean.stdout, /\nminInterval +not applicable +earlier doses against the same disease: none is known +L\n/)
  t.match(clean.stdout, /\ninCohort +passed +.*UKHSA routine immunisation schedule from 1 January 2026 +H\n/)
  t.notMatch(clean.stdout, /\b999\d{7}\b/)
  t.equal(young.code, 0, 'warnings do not refuse')
  t.match(young.stdout, /\nminAge +warning: below-minimum-age +the age on the day of vaccination against the least age/)
  t.equal(expired.code, 1)
  t.match(expired.stdout, /\nbatchNotExpired +error: batch-expired /)
  t.equal(noJson.code, 1)
  t.match(noJson.stdout, /json-syntax/)
  t.match(JSON.parse(json.stdout), { valid: true, checks: [{ check: 'notFuture', verdict: 'passed' }] })
  for (const line of narrow.stdout.split('\n').filter((one) => /^[a-z][a-zA-Z]+ /.test(one)))
    t.ok(line.length <= 100, line)
})

/** The operations API of programmes over a database with six flu vaccinations; a page of it holds two records. */
async function openService(t: Test) {
  const opened = openFolder(t)
  const rig = await createIngestRig(t)
  const rules = await loadRules({ programmes: opened.programmes })
  const now = () => new Date()
  const { database } = rig
  const live = createLiveRules({
    rules,
    folder: opened.programmes,
    now,
    tryOn: (next) => compareVerdicts(database.stores, { current: live.rules.programmes, next }, { limit: 500 }, now()),
    log: { info: () => undefined, error: () => undefined },
    onChanged: () => Promise.resolve()
  })
  const desk = createProgrammeDesk(live, { database, now })
  const door = await openDoor(t, {
    opsRoutes(app) {
      registerOpsProgrammes(app, {
        programmes: { ...desk, rehearse: (file, scan) => desk.rehearse(file, { ...scan, limit: 2 }) }
      })
    }
  })
  for (let n = 0; n < 6; n++)
    t.equal((await rig.post(fluByPharmacy({ nhsNumber: syntheticPatient(n).nhsNumber }))).status, 201)
  const url = await door.server.listen({ host: '127.0.0.1', port: 0 })
  const authorization = await door.bearer({ client: 'night-desk', scopes: ['ops/read', 'ops/write'] })
  const token = authorization.replace('Bearer ', '')
  const strict = opened
    .text(FLU)
    .replace(/^season: .*$/m, "season: { from: '2027-03-01', to: '2027-03-31' }")
    .replace('check: withinSeason, severity: warning', 'check: withinSeason, severity: error')
  return { ...opened, strict, imms: createRunner({ url, token }, opened.deps) }
}

t.test('replay judges every page of the records and says what would change', async (t) => {
  const { imms, strict, write, file } = await openService(t)
  const unchanged = await imms(['programmes', 'replay', file(FLU)])
  const none = await imms(['programmes', 'replay', file(FLU), '--since', '2090-01-01'])
  const next = write('elsewhere/1.0.0.yaml', strict)

  const changed = await imms(['programmes', 'replay', next, '--since', '1d'])
  const onTerminal = await imms(['programmes', 'replay', next], { columns: 120 })
  const json = await imms(['programmes', 'replay', next, '--json'])

  t.equal(unchanged.code, 0)
  t.equal(
    unchanged.stdout,
    '2/6 judged, 0 changed\n4/6 judged, 0 changed\n6/6 judged, 0 changed\n' +
      '0 of 6 verdicts would change: 0 refused that are accepted now, 0 the other way round.\n'
  )
  t.match(none.stdout, /^0 of 0 verdicts would change/)
  t.equal(changed.code, 1)
  t.match(changed.stdout, /\n6 of 6 verdicts would change: 6 refused that are accepted now, 0 the other way round\.\n/)
  t.match(changed.stdout, /\nRULE +REFUSES +NEW +GONE\noutside-season +yes +6 +0\n/)
  t.equal([...changed.stdout.matchAll(/^[0-9a-f-]{36} +1 +outside-season \(error\)/gm)].length, 6)
  t.match(onTerminal.stdout, /judging \[=+\] 6\/6 {2}changed 6/)
  const sum = JSON.parse(json.stdout) as RehearsalAnswer
  t.match(sum, { records: 6, changed: 6, newlyRefused: 6, newlyAccepted: 0, total: 6, next: null })
  t.same(sum.rules, [{ rule: 'outside-season', refuses: true, appeared: 6, disappeared: 0 }])
  t.equal(new Set(sum.examples.map(({ recordId }) => recordId)).size, 6)
})

t.test('a file with a fault is not sent, one that is typed wrongly is told', async (t) => {
  const { imms, strict, write, file } = await openService(t)
  const broken = write('elsewhere/1.0.0.yaml', strict.replace(/^status: active$/m, 'status: actve'))

  const faulty = await imms(['programmes', 'replay', broken])
  const missing = await imms(['programmes', 'replay', file('no-such/1.0.0.yaml')])
  const since = await imms(['programmes', 'replay', file(FLU), '--since', 'yesterday'])

  t.equal(faulty.code, 1)
  t.match(faulty.stderr, /1\.0\.0\.yaml:\d+ at \/status: must be one of/)
  t.equal(missing.code, 1)
  t.match(missing.stderr, /no such file/)
  t.equal(since.code, 2)
})

t.test('status ends with 1 while the folder has a fault, reload says it, and force is for who means it', async (t) => {
  const { imms, strict, write, text } = await openService(t)
  const flu = text(FLU)

  const well = await imms(['programmes', 'status'])
  const nothingNew = await imms(['programmes', 'reload', '--reason', 'trying'])
  write(FLU, flu.replace(/^status: active$/m, 'status: actve'))
  const refused = await imms(['programmes', 'reload', '--reason', 'trying'])
  const ill = await imms(['programmes', 'status'])
  const illJson = await imms(['programmes', 'status', '--json'])
  rmSync(path.join(path.dirname(write(FLU, strict)), '1.0.0.cases.yaml'))
  const alarming = await imms(['programmes', 'reload', '--reason', 'a new season'])
  const forced = await imms(['programmes', 'reload', '--reason', 'it is meant', '--force'])
  const mended = await imms(['programmes', 'status'])
  const nameless = await imms(['programmes', 'reload'])

  t.equal(well.code, 0)
  t.match(well.stdout, /^Rule set [0-9a-f]{12}, \d+ programme files, in force since \d{4}-/)
  t.match(well.stdout, /\nflu-2026-27 +1\.0\.0 +active +FLU /)
  t.equal(nothingNew.code, 0)
  t.equal(refused.code, 1)
  t.match(refused.stderr, /flu-2026-27\/1\.0\.0\.yaml:\d+ at \/status: must be one of/)
  t.equal(ill.code, 1)
  t.match(ill.stdout, /^TROUBLE since .* UTC the folder cannot be loaded; the last good set judges:\n {2}flu-2026-27/)
  t.match(ill.stdout, well.stdout.split(',')[0])
  t.match(JSON.parse(illJson.stdout), { fault: { message: /must be one of/ } })
  t.equal(alarming.code, 1)
  t.match(alarming.stderr, /would refuse 6 of the last 6 accepted records .* imms programmes reload --force/)
  t.equal(forced.code, 0)
  t.equal(mended.code, 0)
  t.not(mended.stdout.split(',')[0], well.stdout.split(',')[0])
  t.equal(nameless.code, 2)
})
