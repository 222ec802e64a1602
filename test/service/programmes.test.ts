// Programme files change while the service runs.
import { cpSync, readFileSync, writeFileSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import type { Immunization, OperationOutcome } from 'fhir/r4.js'
import type { AuditAnswer, ProgrammesAnswer, RehearsalAnswer, Wire } from '../../src/http/ops-answers.js'
import { fluByPharmacy, readFixture } from '../support/ingest-rig.js'
import { PROGRAMMES_FOLDER } from '../support/programme-files.js'
import { syntheticPatient } from '../support/synthetic.js'
import { getJson, readNote, temporaryFolder } from '../support/service-calls.js'
import { spawnService } from '../support/service.js'
import { waitFor } from '../support/wait-for.js'

/** A service with a programmes folder of its own. */
async function start(t: Test) {
  const dataDir = temporaryFolder(t)
  const folder = path.join(temporaryFolder(t), 'programmes')
  // Without a programme of BCG: that is what the tests make up.
  cpSync(PROGRAMMES_FOLDER, folder, { recursive: true, filter: (source) => !source.includes('/bcg') })
  const service = await spawnService(t, { args: ['--dev', '--data-dir', dataDir], env: { PROGRAMMES_DIR: folder } })
  const { token } = await readNote(dataDir)
  const file = (name: string): string => path.join(folder, name)
  return {
    service,
    readText: (name: string) => readFileSync(file(name), 'utf8'),
    write(name: string, text: string) {
      mkdirSync(path.dirname(file(name)), { recursive: true })
      writeFileSync(file(name), text)
    },
    remove: (name: string) => {
      rmSync(file(name))
    },
    status: () => getJson<Wire<ProgrammesAnswer>>(`${service.url}/ops/programmes`, token),
    audit: () => getJson<Wire<AuditAnswer>>(`${service.url}/ops/audit?action=programmes.load`, token),
    metrics: async () => {
      const answer = await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
      return answer.text()
    },
    async send(resource: Immunization) {
      const answer = await fetch(`${service.url}/FHIR/R4/Immunization`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/fhir+json',
          prefer: 'return=OperationOutcome'
        },
        body: JSON.stringify(resource)
      })
      const outcome = (await answer.json()) as OperationOutcome
      return { status: answer.status, issues: outcome.issue }
    },
    call: (route: string, body: object) =>
      fetch(`${service.url}${route}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body)
      })
  }
}

const FLU = 'flu-2026-27/1.0.0.yaml'

const MADE_UP = `
id: made-up
version: 1.0.0
status: active
title: A programme that a test made up
vaccineType: BCG
targetDiseases: ['56717001']
effective: { from: '2020-01-01' }
doses: [{ number: 1 }]
products: [{ code: '37240111000001101', display: BCG vaccine AJV, certainty: M }]
sources: [{ id: test, title: This test, url: 'https://example.org/test', read: '2026-11-22' }]
checks: [{ check: batchPresent, severity: warning }]
`

/** Without a batch, of a patient of its own. */
function bcg(value: string): Immunization {
  const { lotNumber, ...resource } = readFixture('bcg-hospital.json')
  return { ...resource, identifier: [{ system: 'https://supplier.example/bcg', value }] }
}

t.test('a programme dropped into the folder judges the next record of it, and nothing else changes', async (t) => {
  const hub = await start(t)
  const before = await hub.status()
  t.equal((await hub.send(bcg('before'))).issues.filter(isNoProgramme).length, 1)

  hub.write('made-up/1.0.0.yaml', MADE_UP)
  const after = await waitFor(async () => {
    const status = await hub.status()
    return status.version === before.version ? undefined : status
  }, 'the new set to be in force')

  t.equal(after.programmes.length, before.programmes.length + 1)
  t.equal(after.fault, null)
  const judged = await hub.send(bcg('after'))
  t.equal(judged.status, 201)
  t.equal(judged.issues.filter(isNoProgramme).length, 0)
  const batch = judged.issues.find(({ details }) => details?.coding?.[0]?.code === 'batch-missing')
  t.match(batch?.diagnostics, /^programme made-up 1\.0\.0 \(made-up\/1\.0\.0\.yaml\)/)
  t.equal((await hub.send(fluByPharmacy())).status, 201)
  t.same(await hub.service.stop(), { code: 0, signal: null })
})

t.test(
  'a bad file leaves the last good set in force, and health, metrics and the operations call say why',
  async (t) => {
    const hub = await start(t)
    const good = await hub.status()
    const text = hub.readText(FLU)

    const bad: [string, string, RegExp][] = [
      ['no YAML', `${text}\n  - : [`, /flu-2026-27\/1\.0\.0\.yaml: not YAML/],
      [
        'a wrong word',
        text.replace(/^status: active$/m, 'status: actve'),
        /flu-2026-27\/1\.0\.0\.yaml:\d+ at \/status: must be one of/
      ],
      ['a wrong check digit', text.replace("'6142004'", "'6142005'"), /1\.0\.0\.yaml:\d+ at \/targetDiseases/],
      [
        'a case that fails',
        text.replace('check: batchPresent, severity: warning', 'check: batchPresent, severity: error'),
        /1\.0\.0\.cases\.yaml:\d+ at \/cases\/\d+: "/
      ]
    ]
    for (const [what, broken, says] of bad) {
      t.not(broken, text, what)
      hub.write(FLU, broken)
      const answer = await hub.call('/ops/programmes/reload', { reason: 'trying it' })
      t.equal(answer.status, 422, what)
      t.match(JSON.stringify(await answer.json()), new RegExp(says.source.replaceAll('"', '\\\\"')), what)
      const status = await hub.status()
      t.equal(status.version, good.version, what)
      t.match(status.fault?.message, says, what)
      t.equal((await hub.send(fluByPharmacy())).status, 201, what)
    }
    const ready = await fetch(`${hub.service.url}/health/ready`)
    t.equal(ready.status, 200, 'it accepts all the same')
    t.match(await ready.text(), /the last good set is in force; /)
    t.match(await hub.metrics(), /^imms_programmes_fault 1$/m)

    hub.write(FLU, text)
    t.equal((await hub.call('/ops/programmes/reload', { reason: 'mended' })).status, 200)
    t.equal((await hub.status()).fault, null)
    t.match(await hub.metrics(), /^imms_programmes_fault 0$/m)
    t.match(hub.service.output(), /programmes\.not_loaded/)
  }
)

t.test('a file that would refuse what is accepted is not loaded, unless somebody insists', async (t) => {
  const hub = await start(t)
  const good = await hub.status()
  for (let n = 0; n < 6; n++)
    t.equal((await hub.send(fluByPharmacy({ nhsNumber: syntheticPatient(n).nhsNumber }))).status, 201)
  const strict = hub
    .readText(FLU)
    .replace(/^version: 1\.0\.0$/m, 'version: 1.1.0')
    .replace(/^season: .*$/m, "season: { from: '2027-03-01', to: '2027-03-31' }")
    .replace('check: withinSeason, severity: warning', 'check: withinSeason, severity: error')
  hub.remove(FLU.replace('.yaml', '.cases.yaml'))
  hub.remove(FLU)
  hub.write('flu-2026-27/1.1.0.yaml', strict)

  const rehearsed = await hub.call('/ops/programmes/rehearse', { file: 'flu-2026-27/1.1.0.yaml', text: strict })
  const compared = (await rehearsed.json()) as Wire<RehearsalAnswer>
  t.match(compared, { records: 6, changed: 6, newlyRefused: 6, newlyAccepted: 0, total: 6, next: null })
  t.equal(compared.rules[0]?.refuses, true)
  t.equal(compared.examples.length, 6)

  const answer = await hub.call('/ops/programmes/reload', { reason: 'trying it' })
  t.equal(answer.status, 422)
  t.match(await answer.text(), /would refuse 6 of the last 6 accepted records/)
  t.equal((await hub.status()).version, good.version)

  const forced = await hub.call('/ops/programmes/reload', { reason: 'it is meant', force: true })
  t.equal(forced.status, 200)
  t.not((await hub.status()).version, good.version)
  t.equal((await hub.send(fluByPharmacy())).status, 422)
})

t.test('SIGHUP reads the folder, draft programmes speak to the metrics only, and every load is audited', async (t) => {
  const hub = await start(t)
  const before = await hub.status()
  hub.write('made-up/1.0.0.yaml', MADE_UP.replace('status: active', 'status: draft'))
  process.kill(hub.service.pid, 'SIGHUP')
  await waitFor(async () => (await hub.status()).version !== before.version, 'the set to be loaded')

  const judged = await hub.send(bcg('draft'))

  t.equal(judged.status, 201)
  t.notOk(
    judged.issues.some(({ diagnostics }) => diagnostics?.includes('made-up')),
    'a draft is not answered'
  )
  const metrics = await hub.metrics()
  t.match(metrics, /^imms_shadow_judged_total\{programme="made-up 1\.0\.0"\} 1$/m)
  t.match(
    metrics,
    /^imms_shadow_issues_total\{programme="made-up 1\.0\.0",rule="batch-missing",severity="warning"\} 1$/m
  )
  const { entries } = await hub.audit()
  t.equal(entries.length, 1)
  t.match(entries[0], { actor: 'service', detail: { cause: 'SIGHUP', version: (await hub.status()).version } })
})

function isNoProgramme({ details }: OperationOutcome['issue'][number]): boolean {
  return details?.coding?.[0]?.code === 'no-programme'
}
