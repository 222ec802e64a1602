// PROFILE_PACKAGES: official-shaped packages as files, sound ones and everything that can be wrong with one.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { readdirSync, readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { createDeferredEngine, loadExpressionEngine } from '../src/deferred-engine.js'
import { ARCHIVE_LIMITS, readProfilePackages } from '../src/profile-packages.js'
import { loadRules } from '../src/rules.js'
import { readCatalogue } from '../src/validation/definitions/catalogue.js'
import { createSnapshots } from '../src/validation/definitions/snapshot.js'
import { isObject } from '../src/validation/definitions/structure-definition.js'
import { writeSnapshot } from '../src/validation/definitions/write-snapshot.js'
import { findIssues } from '../src/ingest/judge.js'
import { paxEntry, type TarEntry, writeTar, writeTgz } from './support/tar-archive.js'
import { readFixtures } from './validation/fixtures.js'
import { loadCatalogue, readProfileFiles } from './validation/load-catalogue.js'

const UK = 'https://fhir.hl7.org.uk/StructureDefinition/'
const NOW = new Date('2026-11-22T12:00:00Z')
const folder = await mkdtemp(path.join(tmpdir(), 'imms-packages-'))
t.teardown(() => rm(folder, { recursive: true }))

const MANIFEST: TarEntry = manifest({ 'hl7.fhir.r4.core': '4.0.1' })

function manifest(dependencies: Record<string, string>): TarEntry {
  const content = { name: 'fhir.r4.ukcore.stu2', version: '2.0.2', fhirVersions: ['4.0.1'], dependencies }
  return { path: 'package/package.json', content: JSON.stringify(content) }
}

async function keep(name: string, bytes: Buffer): Promise<string> {
  const file = path.join(folder, name)
  await writeFile(file, bytes)
  return file
}

// Our own expression in the shape of an official package: snapshots in place of differentials, or as it is.
function ourDefinitions(shape: 'snapshot' | 'differential'): TarEntry[] {
  const snapshots = createSnapshots(loadCatalogue())
  return readProfileFiles(['uk-core', 'terminology']).map(({ name, content }) => {
    const file = `package/${path.basename(name)}`
    if (!isObject(content) || content['resourceType'] !== 'StructureDefinition' || shape === 'differential')
      return { path: file, content: JSON.stringify(content) }
    const tree = snapshots.read(String(content['url']), 'test')
    const whole = { ...content, differential: undefined, snapshot: { element: writeSnapshot(tree) } }
    return { path: file, content: JSON.stringify(whole) }
  })
}

function allFixtures(): { name: string; resource: unknown }[] {
  const root = new URL('../fixtures/immunization/', import.meta.url)
  const immunizations = ['valid/', 'invalid/'].flatMap((kind) =>
    readdirSync(new URL(kind, root))
      .filter((name) => name.endsWith('.json') && !name.endsWith('.outcome.json'))
      .map((name) => ({
        name: kind + name,
        resource: JSON.parse(readFileSync(new URL(kind + name, root), 'utf8')) as unknown
      }))
  )
  return [...immunizations, ...readFixtures('mutants/'), ...readFixtures('valid/')]
}

t.test('a package of our own definitions judges every fixture as we do, with snapshots and without', async (t) => {
  const ours = await loadRules()
  for (const shape of ['snapshot', 'differential'] as const) {
    const archive = await keep(`${shape}.tgz`, writeTgz([MANIFEST, ...ourDefinitions(shape)]))

    const rules = await loadRules({ archives: [archive] })

    t.ok(rules.validator.profiles().every(({ file }) => file.startsWith(`${archive}: package/`)))
    const [loaded] = rules.packages?.packages ?? []
    t.match(loaded, { archive, name: 'fhir.r4.ukcore.stu2', version: '2.0.2' })
    t.ok(rules.packages?.replaced.includes(`${UK}UKCore-Immunization`), 'it says whose place was taken')
    t.equal(rules.packages?.replaced.length, loaded?.definitions)
    const differing = allFixtures().filter(
      ({ resource }) =>
        JSON.stringify(findIssues(resource, rules, NOW).issues) !==
        JSON.stringify(findIssues(resource, ours, NOW).issues)
    )
    t.same(
      differing.map(({ name }) => name),
      [],
      shape
    )
  }
  t.equal(ours.packages, undefined)
})

t.test('a package made by the tar of this machine is read, long names and examples included', async (t) => {
  // With ./package/ before it too long for one field, and ustar can still split it in two.
  const deep = `package/${'a'.repeat(90)}.json`
  const source = path.join(folder, 'source')
  await mkdir(path.join(source, 'package', 'example'), { recursive: true })
  const files: TarEntry[] = [MANIFEST, ...ourDefinitions('differential').slice(0, 3)]
  for (const { path: file, content = '' } of files) await writeFile(path.join(source, file), content)
  await writeFile(path.join(source, 'package', 'example', 'broken.json'), 'not even JSON')
  await writeFile(path.join(source, deep), JSON.stringify(profile({})))
  for (const format of ['ustar', 'pax', 'gnu']) {
    const archive = path.join(folder, `${format}.tgz`)
    // Numbers of one's own: ustar cannot hold the large user ids that some machines give.
    const owner = ['--owner=0', '--group=0', '--numeric-owner']
    execFileSync('tar', [`--format=${format}`, ...owner, '-czf', archive, '-C', source, './package'])

    const [read] = await readProfilePackages([archive])

    t.equal(read?.files.length, 4, format)
    t.ok(
      read?.files.some(({ name }) => name === `${archive}: ${deep}`),
      format
    )
  }
})

t.test('names in two fields and in pax headers are put together', async (t) => {
  const content = JSON.stringify(profile({}))
  const archive = await keep(
    'names.tgz',
    writeTgz([
      MANIFEST,
      { path: 'one.json', prefix: 'package', content },
      paxEntry('path', 'package/né.json'),
      { path: 'short', content }
    ])
  )
  const [read] = await readProfilePackages([archive])
  t.same(
    read?.files.map(({ name }) => name),
    [`${archive}: package/one.json`, `${archive}: package/né.json`]
  )
})

t.test('whatever is wrong with a package is one line that names the package and the file', async (t) => {
  const good = JSON.stringify(profile({}))
  const cases: [string, Buffer, string][] = [
    [
      'broken JSON',
      writeTgz([MANIFEST, { path: 'package/a.json', content: '{"url":\n\n x' }]),
      'package/a.json: is not JSON'
    ],
    ['not UTF-8', writeTgz([MANIFEST, { path: 'package/a.json', content: Buffer.from([0xff]) }]), 'is not UTF-8'],
    ['traversal', writeTgz([MANIFEST, { path: 'package/../../x.json', content: good }]), 'leaves the package'],
    ['traversal of no definition', writeTgz([MANIFEST, { path: '../.ssh/keys', content: 'x' }]), 'leaves the package'],
    ['traversal by pax', writeTgz([MANIFEST, paxEntry('path', '/etc/x.json'), { path: 'a' }]), 'leaves the package'],
    ['a symbolic link', writeTgz([MANIFEST, { path: 'package/a.json', type: '2', link: '/etc/passwd' }]), 'is a link'],
    ['a hard link', writeTgz([MANIFEST, { path: 'package/a.json', type: '1', link: 'package/b.json' }]), 'is a link'],
    ['a device', writeTgz([MANIFEST, { path: 'package/a.json', type: '3' }]), 'is a link or a device'],
    [
      'a file twice',
      writeTgz([MANIFEST, { path: 'package/a.json', content: good }, { path: 'package/a.json', content: '{}' }]),
      'package/a.json: stands twice'
    ],
    ['a name on two lines', writeTgz([MANIFEST, { path: 'package/a\nb.json', content: good }]), 'control characters'],
    [
      'another FHIR',
      writeTgz([{ path: 'package/package.json', content: '{"name":"x","version":"1.0.0","fhirVersions":["5.0.0"]}' }]),
      'package/package.json: is for FHIR 5.0.0'
    ],
    ['no manifest', writeTgz([{ path: 'package/a.json', content: good }]), 'package/package.json: is missing'],
    ['cut off', writeTgz([MANIFEST, { path: 'package/a.json', content: good, size: 99_999 }]), 'is cut off'],
    ['no tar', gzipSync(Buffer.alloc(2048, 'x')), 'is not a tar archive'],
    ['no gzip', writeTar([MANIFEST]), 'a gzip file is expected'],
    ['half a gzip', writeTgz([MANIFEST]).subarray(0, 60), 'cannot be unpacked']
  ]
  for (const [name, bytes, what] of cases) {
    const archive = await keep('bad.tgz', bytes)
    const message = await readProfilePackages([archive]).then(
      () => 'it was accepted',
      (error: unknown) => String(error)
    )
    t.ok(message.includes(archive) && message.includes(what) && !message.includes('\n'), name, { message })
  }
  const absent = path.join(folder, 'absent.tgz')
  await t.rejects(loadRules({ archives: [absent] }), { message: /absent\.tgz: .*ENOENT.*PROFILE_PACKAGES/ })
})

t.test('a bomb is refused before it fills the memory, by every limit', async (t) => {
  const bomb = await keep('bomb.tgz', gzipSync(Buffer.alloc(200_000_000), { level: 1 }))
  const before = process.memoryUsage().rss
  await t.rejects(readProfilePackages([bomb]), { message: /bomb\.tgz: .*larger than 160000000 bytes when unpacked/ })
  t.ok(process.memoryUsage().rss - before < 400_000_000)

  const small = await keep('small.tgz', writeTgz([MANIFEST, { path: 'package/a.json', content: ' '.repeat(9000) }]))
  const limited: [Partial<typeof ARCHIVE_LIMITS>, RegExp][] = [
    [{ maxPackedBytes: 20 }, /is larger than 20 bytes/],
    [{ maxUnpackedBytes: 5000 }, /is larger than 5000 bytes when unpacked/],
    [{ maxFiles: 1 }, /holds more than 1 files/],
    [{ maxCharacters: 8000 }, /package\/a\.json: is too large for a definition/],
    [{ maxTotalCharacters: 9000 }, /is too large when unpacked/]
  ]
  for (const [limits, message] of limited)
    await t.rejects(readProfilePackages([small], { ...ARCHIVE_LIMITS, ...limits }), { message })
})

t.test('an R5 dependency and R5 definitions are left out, and the log line says so', async (t) => {
  const entries = [
    manifest({ 'hl7.fhir.r4.core': '4.0.1', 'hl7.fhir.r5.core': '5.0.0' }),
    { path: 'package/r5.json', content: JSON.stringify(profile({ url: `${UK}r5`, fhirVersion: '5.0.0' })) }
  ]
  const { packages, validator } = await loadRules({ archives: [await keep('r5.tgz', writeTgz(entries))] })
  t.match(packages?.remarks, [
    /r5\.tgz: depends on hl7\.fhir\.r5\.core/,
    /r5\.tgz: package\/r5\.json is for FHIR 5\.0\.0/
  ])
  t.same(packages?.replaced, [])
  t.ok(
    validator.profiles().every(({ file }) => !file.includes('r5.tgz')),
    'ours are still in force'
  )
})

t.test(
  'of two packages with the same canonical the newer version is used, in whatever order they are listed',
  async (t) => {
    const valueSet = (version: string, code: string) => ({
      path: 'package/set.json',
      content: JSON.stringify({ resourceType: 'ValueSet', url: `${UK}set`, version, id: code })
    })
    const of = (version: string, code: string) =>
      writeTgz([
        MANIFEST,
        { path: 'package/profile.json', content: JSON.stringify(profile({ version })) },
        valueSet(version, code)
      ])
    const older = await keep('older.tgz', of('2.9.0', 'old'))
    const newer = await keep('newer.tgz', of('2.10.0', 'new'))
    for (const archives of [
      [older, newer],
      [newer, older]
    ]) {
      const { validator } = await loadRules({ archives })
      t.equal(validator.profiles().find(({ type }) => type === 'Immunization')?.version, '2.10.0')
      const files = (await readProfilePackages(archives)).flatMap((read) => read.files)
      t.equal(readCatalogue([], files).valueSets.get(`${UK}set`)?.['id'], 'new')
    }
  }
)

t.test(
  'an invariant that has no native form is evaluated, and what cannot be read is named and warned of',
  async (t) => {
    const constraint = [
      { key: 'x-1', severity: 'error', expression: "lotNumber.exists() and lotNumber != 'forbidden'" },
      { key: 'x-2', severity: 'warning', expression: 'site.exists().not()' },
      { key: 'x-3', severity: 'error', expression: 'not ((FHIRPath' },
      // A key with a native form, and another text.
      { key: 'ext-1', severity: 'error', expression: 'true' }
    ]
    const differential = { element: [{ id: 'Immunization', path: 'Immunization', constraint }] }
    const content = JSON.stringify(profile({ differential }))
    const archive = await keep('foreign.tgz', writeTgz([MANIFEST, { path: 'package/a.json', content }]))
    const sound = await keep('sound.tgz', writeTgz([MANIFEST, ...ourDefinitions('snapshot')]))

    const { packages, validator } = await loadRules({ archives: [archive] })

    t.same(packages?.uncheckedExpressions, ['Immunization: not ((FHIRPath'])
    const [valid] = readFixtures('valid/')
    const rulesOf = (changes: object): string[] =>
      validator
        .validate({ ...(valid?.resource as object), ...changes })
        .map(({ severity, rule }) => `${severity} ${rule}`)
        .filter((line) => /x-\d|unchecked/.test(line))
        .sort()
    const unchecked = 'warning profile-invariant-unchecked'
    t.same(rulesOf({ lotNumber: 'L1', site: undefined }), [unchecked])
    t.same(rulesOf({ lotNumber: 'forbidden', site: undefined }), ['error x-1', unchecked])
    t.same(rulesOf({ lotNumber: 'L1', site: { text: 'arm' } }), [unchecked, 'warning x-2'])
    t.same(
      (await loadRules({ archives: [sound] })).packages?.uncheckedExpressions,
      [],
      'UK Core itself needs no engine'
    )
  }
)

t.test('an engine that comes after compiling answers from then on', (t) => {
  const deferred = createDeferredEngine()
  t.notOk(deferred.isWanted())
  const evaluate = deferred.compile('status.exists()', 'Immunization')
  deferred.compile('unreadable', 'Patient')
  t.ok(deferred.isWanted())
  t.equal(evaluate?.({}, {}), 'unknown')
  const unread = deferred.use({ compile: (expression) => (expression === 'status.exists()' ? () => true : undefined) })
  t.same(unread, ['Patient: unreadable'])
  t.equal(evaluate?.({}, {}), true)
  t.end()
})

t.test('the fhirpath package neither prints what it traces nor tells what it fails on', async (t) => {
  const engine = await loadExpressionEngine()
  const printed = t.capture(console, 'log')
  const secret = { lotNumber: 'SECRET-LOT' }
  t.equal(engine.compile("lotNumber.trace('lot').exists()", 'Immunization')?.(secret, secret), true)
  t.equal(engine.compile('lotNumber.toInteger() + today()', 'Immunization')?.(secret, secret), 'unknown')
  t.equal(engine.compile('%resource.lotNumber.exists()', 'Immunization')?.({}, secret), true)
  t.same(secret, { lotNumber: 'SECRET-LOT' }, 'what it is given stays as it is')
  t.same(printed(), [])
})

function profile(changes: Record<string, unknown>): Record<string, unknown> {
  return {
    resourceType: 'StructureDefinition',
    url: `${UK}UKCore-Immunization`,
    version: '1.0.0',
    kind: 'resource',
    type: 'Immunization',
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Immunization',
    derivation: 'constraint',
    differential: { element: [] },
    ...changes
  }
}
