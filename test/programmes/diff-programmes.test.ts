// Differences of programme files as sentences; every property of the schema is told.
import t from 'tap'
import { diffProgrammes } from '../../src/programmes/diff-programmes.js'
import { PROGRAMME_SCHEMA } from '../../src/programmes/programme-schema.js'
import type { Programme } from '../../src/programmes/programme.js'
import { readProgramme } from '../support/programme-files.js'

/** Every property of the schema is there. */
const FULL: Programme = {
  file: 'made-up/1.0.0.yaml',
  id: 'made-up',
  version: '1.0.0',
  status: 'active',
  title: 'Made up',
  vaccineType: 'HPV',
  targetDiseases: ['240532009'],
  effective: { from: '2026-01-01', to: '2026-12-31', certainty: 'H' },
  season: { from: '2026-02-01', to: '2026-11-30', certainty: 'M' },
  settings: ['school'],
  procedures: [{ code: '761841000', display: 'HPV vaccination', dose: 1, route: '78421000', certainty: 'H' }],
  products: [
    {
      code: '33493111000001108',
      display: 'Gardasil 9',
      from: '2020-01-01',
      to: '2030-01-01',
      licensedMinAge: 'P9Y',
      licensedMaxAgeBefore: 'P99Y',
      routes: ['78421000'],
      sites: ['368208006'],
      doseMl: 0.5,
      certainty: 'H',
      licenceCertainty: 'L'
    }
  ],
  doses: [
    {
      number: 1,
      cohort: 'school',
      minAge: 'P8W',
      recommendedAge: 'P12W',
      maxAge: 'P24W',
      minIntervalFromPrevious: 'P4W',
      recommendedInterval: 'P8W'
    }
  ],
  maxDoseNumber: 3,
  cohorts: [
    {
      id: 'school',
      label: 'Year 8',
      period: { from: '2026-03-01', to: '2026-10-01', certainty: 'H' },
      settings: ['school'],
      all: [
        {
          ageAtLeast: 'P9Y',
          ageBelow: 'P25Y',
          asOf: '2026-08-31',
          bornOnOrAfter: '2000-01-01',
          bornOnOrBefore: '2020-01-01',
          schoolYearFrom: 8,
          schoolYearTo: 11,
          flag: 'PREGNANT'
        }
      ],
      any: [{ flag: 'RISK_GROUP' }],
      certainty: 'H'
    }
  ],
  dedup: { windowDays: 27, oncePerSeason: true },
  checks: [
    {
      check: 'minInterval',
      severity: 'warning',
      overridableBy: 'reason',
      params: { days: 28 },
      from: '2026-01-01',
      to: '2026-12-31',
      source: 'letter',
      certainty: 'M'
    }
  ],
  sources: [{ id: 'letter', title: 'A letter', url: 'https://example.org/letter', read: '2026-11-22' }]
}

/** Another value that the same place could hold. */
const OTHERS: Record<string, unknown> = {
  status: 'draft',
  vaccineType: 'FLU',
  check: 'minAge',
  severity: 'error',
  flag: 'CARE_HOME',
  code: '38598009',
  certainty: 'L',
  licenceCertainty: 'M',
  params: { days: 29 }
}

function other(name: string, value: unknown): unknown {
  if (name in OTHERS) return OTHERS[name]
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  const text = String(value)
  if (/^\d{4}-/.test(text)) return text.replace(/^\d{4}/, '2019')
  return /^P\d/.test(text) ? 'P7Y' : `${text}x`
}

interface Place {
  path: (string | number)[]
  name: string
}

/** Every place of the file that holds a value, with its path. */
function placesOf(value: unknown, path: (string | number)[] = []): Place[] {
  const name = path.findLast((step) => typeof step === 'string') ?? ''
  if (name === 'params' || value === null || typeof value !== 'object') return [{ path, name }]
  return Object.entries(value).flatMap(([key, item]) =>
    placesOf(item, [...path, Array.isArray(value) ? Number(key) : key])
  )
}

function changed(
  programme: Programme,
  path: readonly (string | number)[],
  change: (old: unknown) => unknown
): Programme {
  const copy = structuredClone(programme)
  let place = copy as unknown as Record<string | number, unknown>
  for (const step of path.slice(0, -1)) place = place[step] as Record<string | number, unknown>
  const last = path.at(-1)!
  const value = change(place[last])
  if (value === undefined) Reflect.deleteProperty(place, last)
  else place[last] = value
  return copy
}

interface Node {
  properties?: Record<string, Node>
  items?: Node
}

/** Paths of the schema without indexes: `doses.minAge`. */
function schemaPaths(node: Node, path: string): string[] {
  if (node.items !== undefined) return schemaPaths(node.items, path)
  const entries = Object.entries(node.properties ?? {})
  if (entries.length === 0) return [path]
  return entries.flatMap(([name, child]) => schemaPaths(child, path === '' ? name : `${path}.${name}`))
}

t.test('the example holds every property of the schema', (t) => {
  const held = new Set(placesOf(FULL).map(({ path }) => path.filter((step) => typeof step === 'string').join('.')))
  const asked = schemaPaths(PROGRAMME_SCHEMA, '')
  // The criteria of `any` are those of `all`.
  t.same(
    asked.filter((path) => !held.has(path) && !path.startsWith('cohorts.any.')),
    []
  )
  t.end()
})

for (const { path, name } of placesOf(FULL).filter((place) => place.name !== 'file')) {
  t.test(`a change of ${path.join('.')} is told in a sentence, and so is the way back`, (t) => {
    const next = changed(FULL, path, (value) => other(name, value))
    for (const sentences of [diffProgrammes(FULL, next), diffProgrammes(next, FULL)]) {
      t.ok(sentences.length > 0)
      for (const sentence of sentences) {
        t.match(sentence, /^(the|product|procedure|dose|cohort|check|source) /)
        t.notMatch(sentence, /undefined|\[object|\{|goes from (\S+) to \1$/)
      }
    }
    t.end()
  })
}

t.test('the same file has no differences, whatever the order of its keys', (t) => {
  const turned = { ...FULL, effective: { certainty: 'H', to: '2026-12-31', from: '2026-01-01' } as const }
  t.same(diffProgrammes(FULL, structuredClone(FULL)), [])
  t.same(diffProgrammes(FULL, turned), [])
  t.end()
})

t.test('sentences are those a clinician would write', (t) => {
  const next = structuredClone(FULL)
  next.doses[0]!.recommendedAge = 'P16W'
  delete next.doses[0]!.maxAge
  next.checks[0]!.severity = 'error'
  next.checks.push({ check: 'inCohort', severity: 'information', params: { unknown: 'pass' } })
  next.products = [{ display: 'New vaccine', certainty: 'L' }]
  next.maxDoseNumber = 2
  next.cohorts![0]!.all = [{ ageAtLeast: 'P65Y', asOf: '2027-03-31' }]
  delete next.season
  t.same(diffProgrammes(FULL, next), [
    'the programme loses its season, which was 2026-02-01 to 2026-11-30, certainty medium (M)',
    'the highest dose number of the programme goes from 3 to 2',
    'the recommended age of dose 1 of cohort "school" goes from 12 weeks to 16 weeks',
    'dose 1 of cohort "school" loses its age from which it is too late, which was 24 weeks',
    'product "New vaccine" is added',
    'product "Gardasil 9" is taken out',
    'the condition of cohort "school" goes from "9 years or over and under 25 years on 2026-08-31 and born on or after 2000-01-01 and born on or before 2020-01-01 and Year 8 to Year 11 and pregnant (where it is known)" to "65 years or over on 2027-03-31"',
    'the severity of check minInterval goes from warning to error',
    'check inCohort is added (information, unknown pass)'
  ])
  t.end()
})

t.test('two checks of one name are told apart', (t) => {
  const two = { ...FULL, checks: [...FULL.checks, { check: 'minInterval', severity: 'error' } as const] }
  t.same(diffProgrammes(two, FULL), ['check minInterval is taken out (error)'])
  t.end()
})

t.test('two seasons of flu differ in what they should', (t) => {
  const sentences = diffProgrammes(readProgramme('flu-2025-26/1.0.0.yaml'), readProgramme('flu-2026-27/1.0.0.yaml'))
  t.ok(
    sentences.includes(
      'the period of validity of the programme goes from "2025-09-01 to 2026-08-31" to "2026-09-01 to 2027-08-31"'
    )
  )
  t.end()
})
