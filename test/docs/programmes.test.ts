// docs/programmes.md is fresh, and has every programme, dose row, product and check of the files.
import { readFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import t from 'tap'
import { writeProgrammesPage } from '../../src/programmes-page.js'
import { readProgramme, readProgrammes } from '../support/programme-files.js'

const page = new URL('../../docs/programmes.md', import.meta.url)
const committed = readFileSync(page, 'utf8')

t.test('docs/programmes.md is fresh; if it is not: npm run docs', async (t) => {
  const options = await resolveConfig(page)
  t.equal(committed, await format(writeProgrammesPage(readProgrammes()), { ...options, parser: 'markdown' }))
})

t.test('every programme has its section with products and checks, sorted by vaccine', (t) => {
  const sections = [...committed.matchAll(/^## .* \(([a-z0-9-]+ [\d.]+)\)$/gm)].map(([, name = '']) => name)
  const programmes = readProgrammes()
  t.same([...sections].sort(), programmes.map(({ id, version }) => `${id} ${version}`).sort())
  const types = sections.map((name) => programmes.find(({ id, version }) => `${id} ${version}` === name)!.vaccineType)
  t.same(types, [...types].sort())
  for (const { id, version, products, checks, sources } of programmes) {
    const section = committed.split(`(${id} ${version})\n`)[1]!.split('\n## ')[0]!
    for (const { code, display } of products) t.ok(section.includes(code ?? display), display)
    for (const { check } of checks) t.match(section, `| ${check} `)
    for (const source of sources) t.match(section, `| ${source.id} `)
  }
  t.end()
})

t.test('ages, seasons, groups and certainties stand in words, and a pipe breaks no table', (t) => {
  const flu = readProgramme('flu-2026-27/1.0.0.yaml')
  const text = writeProgrammesPage([
    {
      ...flu,
      season: { from: '2026-09-01', to: '2027-03-31', certainty: 'M' },
      doses: [{ number: 1, minAge: 'P6M', maxAge: 'P3Y4M', cohort: 'made-up' }],
      cohorts: [
        {
          id: 'made-up',
          label: 'This | that',
          certainty: 'L',
          all: [{ ageAtLeast: 'P2Y', asOf: '2026-08-31' }],
          any: [{ schoolYearFrom: 0, schoolYearTo: 6 }, { flag: 'RISK_GROUP' }]
        }
      ],
      checks: [{ check: 'routeSuitsProduct', severity: 'error', overridableBy: 'routeReason', certainty: 'H' }]
    }
  ])
  t.match(text, '- Season: 2026-09-01 to 2027-03-31, certainty medium (M)\n')
  t.match(text, '| 1 | This \\| that | 6 months | 3 years 4 months |')
  t.match(
    text,
    '| This \\| that | 2 years or over on 2026-08-31, and one of: Reception to Year 6 or risk group (where it is known) | low (L) |'
  )
  t.match(text, '| error; a warning with the reason routeReason | high (H) |')
  t.end()
})
