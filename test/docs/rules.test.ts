// docs/rules.md is complete and fresh: every rule id that the source can emit is explained, and none that it cannot.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import t from 'tap'
import { HUB_RULES } from '../../src/hub-rules.js'
import { CHECKS, COMMON_CHECKS } from '../../src/programmes/check-catalogue.js'
import { loadRules } from '../../src/rules.js'
import { writeRuleCatalogue } from '../../src/rules-page.js'
import { RULES } from '../../src/validation/rules.js'
import { findEmittedRules } from '../support/emitted-rules.js'

const source = fileURLToPath(new URL('../../src/', import.meta.url))
const page = new URL('../../docs/rules.md', import.meta.url)
const committed = readFileSync(page, 'utf8')
/** The validator and the checks have catalogues of their own, looked at below. */
const FOLDERS = [
  '',
  'fhir',
  'dedup',
  'storage',
  'queue',
  'ingest',
  'history',
  'delivery',
  'review',
  'terminology',
  'elsewhere',
  'http',
  'worker'
]
/** Ids that are put together: every value that can come out. */
const COMPUTED: Record<string, string[]> = {
  'http/ops-check.ts: `ops-${where}`': ['ops-query', 'ops-path', 'ops-body'],
  'http/ops-desk.ts: `ops-${answer.why}`': refusalsIn('ops-desk').map((why) => `ops-${why}`),
  'http/ops-duplicates.ts: `ops-${answer.why}`': refusalsIn('ops-duplicates').map((why) => `ops-${why}`),
  'http/ops-patients.ts: `ops-${answer.why}`': refusalsIn('ops-patients').map((why) => `ops-${why}`),
  'http/ops-refusal.ts: `ops-${why}`': refusalsIn('ops-refusal').map((why) => `ops-${why}`)
}
/** The one rule of programmes/ that is no check's. */
const NO_PROGRAMME = 'no-programme'

/** The keys of the table in a file of http/, which the compiler holds against the type. */
function refusalsIn(name: string): string[] {
  const text = readFileSync(new URL(`../../src/http/${name}.ts`, import.meta.url), 'utf8')
  return [...text.matchAll(/^ {2}'([a-z-]+)': \{ status/gm)].map(([, why = '']) => why)
}

t.test('every rule of the Hub that the source emits is explained, and every one explained is emitted', (t) => {
  const { ids, computed } = findEmittedRules(source, FOLDERS)
  t.same([...computed].sort(), Object.keys(COMPUTED).sort(), 'computed ids are known')
  // V1 to V6 and C1 to C7 name a decision about a pair, told in diagnostics.
  const emitted = new Set([...ids.keys()].filter((id) => /^[a-z]/.test(id)))
  for (const id of [...Object.values(COMPUTED).flat(), NO_PROGRAMME]) emitted.add(id)
  const explained = HUB_RULES.flatMap(({ rules }) => rules.map(({ id }) => id))
  t.ok(emitted.size > 80)
  t.equal(new Set(explained).size, explained.length, 'each is explained once')
  t.same([...explained].sort(), [...emitted].sort())
  t.end()
})

t.test('every check gives the rules it declares, and is in the page', (t) => {
  const { ids, computed } = findEmittedRules(source, ['programmes'])
  t.same([...computed], ['programmes/compiled-check.ts: finding.rule'])
  const declared = new Set(Object.values(CHECKS).flatMap(({ rules }) => rules))
  t.same([...ids.keys()].sort(), [...declared, NO_PROGRAMME].sort())
  for (const { check } of COMMON_CHECKS) t.ok(Object.values(CHECKS).includes(check))
  for (const id of declared) t.match(committed, `| \`${id}\``)
  t.end()
})

t.test('every rule of the validator is used and in the page, and ids of the parts never meet', (t) => {
  const folder = new URL('../../src/validation/', import.meta.url)
  const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'rules.ts')
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n')
  for (const name of Object.keys(RULES)) {
    t.match(texts, `'${name}'`, `${name} is reported by somebody`)
    if (name !== 'invariant') t.match(committed, `\`r4-${name}\`, \`profile-${name}\``)
  }
  // An id that a finding gives itself is the key of an invariant.
  for (const [, rule = ''] of texts.matchAll(/\brule: '([^']+)'/g)) t.match(committed, `| \`${rule}\``)
  const ids = [...committed.matchAll(/^\| `([^`]+)`/gm)].map(([, id = '']) => id)
  t.equal(new Set(ids).size, ids.length, 'no id stands twice')
  t.end()
})

t.test('docs/rules.md is fresh; if it is not: npm run docs', async (t) => {
  const { programmeFiles } = await loadRules()
  const options = await resolveConfig(page)
  t.equal(committed, await format(writeRuleCatalogue(programmeFiles), { ...options, parser: 'markdown' }))
})
