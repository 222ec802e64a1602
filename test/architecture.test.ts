// The house stands as the README says: floors, cycles, packages, purity, sizes.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { findFaults, packageUsers } from './support/architecture.js'
import { readSource } from './support/read-source.js'

const root = fileURLToPath(new URL('../', import.meta.url))
const source = join(root, 'src')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
}
const dependencies = Object.keys(manifest.dependencies)

function readAll() {
  const paths = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  return paths.sort().map((path) => {
    const name = relative(source, join(source, path)).split(sep).join('/')
    return readSource(name, readFileSync(join(source, path), 'utf8'))
  })
}

t.test('every file of src keeps the rules of the house', (t) => {
  const files = readAll()
  t.ok(files.length > 100, 'they were all read')
  t.same(findFaults(files, dependencies), [])
  t.end()
})

t.test('the rules name no package that is not installed', (t) => {
  t.same(
    Object.keys(packageUsers).filter((name) => !dependencies.includes(name)),
    []
  )
  t.end()
})

/** The faults of made-up files. */
function faultsOf(files: Record<string, string>): string[] {
  return findFaults(
    Object.entries(files).map(([path, text]) => readSource(path, text)),
    ['pg', 'fastify', 'ajv']
  )
}

t.test('what keeps the rules has no fault', (t) => {
  const faults = faultsOf({
    'main.ts': `import { serve } from './http/serve.js'\nimport { start } from './embedded/start.js'\nawait import(process.argv[2]!)`,
    'config.ts': `export const port = process.env['PORT']`,
    'http/serve.ts': `import fastify from 'fastify'\nimport { keep } from '../storage/keep.js'\nimport type { A } from './a.js'`,
    'http/a.ts': `export interface A { at: Date }`,
    'storage/keep.ts': `import type { Pool } from 'pg'\nimport { day } from '../fhir/day.js'\nexport const now = Date.now()`,
    'fhir/day.ts': `import type { Immunization } from 'fhir/r4.js'\nimport { createHash } from 'node:crypto'\nnew Date(0)`
  })
  t.same(faults, [])
  t.end()
})

const wrong: readonly [what: string, files: Record<string, string>, fault: string][] = [
  [
    'an import of a higher floor',
    { 'storage/a.ts': `import type { Ingest } from '../ingest/ingest.js'` },
    'storage/a.ts:1: storage imports ingest/ingest.ts; ingest/ is on a higher floor'
  ],
  [
    'an import of the roof',
    { 'http/a.ts': `\nimport { readConfig } from '../config.js'` },
    'http/a.ts:2: http imports config.ts; roof/ is on a higher floor'
  ],
  [
    'an inline type import of a higher floor',
    { 'fhir/a.ts': `export type A = import('../dedup/b.js').B` },
    'fhir/a.ts:1: fhir imports dedup/b.ts; dedup/ is on a higher floor'
  ],
  [
    'a re-export of a higher floor',
    { 'queue/a.ts': `export { b } from '../worker/b.js'` },
    'queue/a.ts:1: queue imports worker/b.ts; worker/ is on a higher floor'
  ],
  [
    'a folder without a floor',
    { 'utils/a.ts': `import { b } from '../fhir/b.js'` },
    'utils/a.ts: utils/ stands on no floor: give it one in test/support/architecture.ts'
  ],
  [
    'a door that knows what stands beside it',
    { 'cli/a.ts': `import { sandbox } from '../sandbox/b.js'` },
    'cli/a.ts:1: cli imports sandbox/b.ts; only the roof knows sandbox/'
  ],
  [
    'a neighbour of the doors that knows one',
    { 'sandbox/a.ts': `import { serve } from '../http/serve.js'` },
    'sandbox/a.ts:1: sandbox imports http/serve.ts; sandbox/ stands beside the doors and knows none'
  ],
  [
    'an import from outside src',
    { 'http/a.ts': `import { x } from '../../test/x.js'` },
    'http/a.ts:1: imports ../test/x.ts, which lies outside src/'
  ],
  [
    'a package of somebody else',
    { 'ingest/a.ts': `import type { Pool } from 'pg'` },
    'ingest/a.ts:1: ingest imports pg; only storage may'
  ],
  [
    'a part of a package of somebody else',
    { 'storage/a.ts': `await import('ajv/dist/2020.js')` },
    'storage/a.ts:1: storage imports ajv; only roof, http, programmes, dedup may'
  ],
  [
    'a package nobody spoke of',
    { 'http/a.ts': `import _ from '@scope/lodash/fp'` },
    'http/a.ts:1: @scope/lodash is imported by nobody yet: say who may in test/support/architecture.ts'
  ],
  [
    'a package that is not installed in production',
    { 'roof.ts': `import { parse } from 'yaml'` },
    'roof.ts:1: yaml is no dependency in package.json'
  ],
  [
    'a value from a package of types',
    { 'fhir/a.ts': `import { Immunization } from 'fhir/r4.js'` },
    'fhir/a.ts:1: fhir holds types only: import type'
  ],
  [
    'a computed import below the roof',
    { 'http/a.ts': `await import(name)` },
    'http/a.ts:1: a computed import(); only the roof reads folders of code'
  ],
  [
    'the environment read outside config.ts',
    { 'http/a.ts': `const port = process.env.PORT` },
    'http/a.ts:1: only config.ts reads process.env'
  ],
  [
    'the same, taken apart',
    { 'http/a.ts': `const { env } = process` },
    'http/a.ts:1: only config.ts reads process.env'
  ],
  ['the same, in brackets', { 'http/a.ts': `process['env']` }, 'http/a.ts:1: only config.ts reads process.env'],
  [
    'I/O in a rule',
    { 'dedup/a.ts': `import { readFile } from 'node:fs/promises'` },
    'dedup/a.ts:1: dedup/ is pure, and imports node:fs/promises'
  ],
  [
    'a clock in a rule',
    { 'programmes/a.ts': `const today = new Date()` },
    'programmes/a.ts:1: programmes/ is pure, and uses new Date(): have it handed in'
  ],
  [
    'a clock read by a call',
    { 'validation/a.ts': `const at = Date.now()` },
    'validation/a.ts:1: validation/ is pure, and uses Date.now: have it handed in'
  ],
  [
    'chance on the ground',
    { 'fhir/a.ts': `const n = globalThis.Math.random()` },
    'fhir/a.ts:1: fhir/ is pure, and uses Math.random: have it handed in'
  ],
  [
    'a request from a rule',
    { 'validation/a.ts': `await fetch('http://127.0.0.1/')` },
    'validation/a.ts:1: validation/ is pure, and uses fetch: have it handed in'
  ],
  [
    'a default export',
    { 'http/a.ts': `export default function serve() {}` },
    'http/a.ts:1: export default; name what you export'
  ],
  [
    'a default export by name',
    { 'http/a.ts': `const a = 1\nexport { a as default }` },
    'http/a.ts:2: export default; name what you export'
  ],
  ['a barrel', { 'http/a.ts': `export * from './b.js'` }, 'http/a.ts:1: export *; name what you export'],
  [
    'a file of 251 lines',
    { 'http/a.ts': '// line\n'.repeat(251) },
    'http/a.ts: 251 lines; look for the second noun inside it'
  ],
  [
    'a function of 51 lines',
    { 'http/a.ts': `const long = () => {\n${'  step()\n'.repeat(49)}}` },
    'http/a.ts:1: long has 51 lines of its own; split it'
  ],
  [
    'a cycle',
    {
      'http/a.ts': `import { b } from './b.js'`,
      'http/b.ts': `import type { C } from './deep/c.js'`,
      'http/deep/c.ts': `import { a } from '../a.js'`
    },
    'http/a.ts -> http/b.ts -> http/deep/c.ts -> http/a.ts: an import cycle; take one import out'
  ]
]

for (const [what, files, fault] of wrong) {
  t.test(`${what} is found`, (t) => {
    t.same(faultsOf(files), [fault])
    t.end()
  })
}

t.test('a closure is not as long as the functions inside it', (t) => {
  const inner = (name: string) => `  function ${name}() {\n${'    step()\n'.repeat(40)}  }\n`
  t.same(faultsOf({ 'http/a.ts': `export function createX() {\n${inner('one')}${inner('two')}}\n` }), [])
  t.end()
})
