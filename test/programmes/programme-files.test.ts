// Every programme file of the repository: readable, in its place, and saying what its own cases ask.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CHECKS } from '../../src/programmes/check-catalogue.js'
import { parseProgrammeCases, PROGRAMME_CASES_SCHEMA, runProgrammeCases } from '../../src/programmes/programme-cases.js'
import { createProgrammeRules } from '../../src/programmes/programme-rules.js'
import { PROGRAMME_SCHEMA } from '../../src/programmes/programme-schema.js'
import { VACCINE_CODES_SCHEMA } from '../../src/programmes/vaccine-codes.js'
import {
  programmeFileNames,
  PROGRAMMES_FOLDER,
  readProgramme,
  readProgrammes,
  readVaccineCodes,
  readYaml
} from '../support/programme-files.js'

const codes = readVaccineCodes()

t.test('all programme files can be in force together', (t) => {
  t.ok(programmeFileNames().length > 0)
  t.doesNotThrow(() => createProgrammeRules(readProgrammes(), codes))
  t.end()
})

for (const fileName of programmeFileNames()) {
  const programme = readProgramme(fileName)
  const casesFile = fileName.replace(/\.yaml$/, '.cases.yaml')

  t.test(`${fileName} stands in the folder of its id under its version`, (t) => {
    t.equal(fileName, `${programme.id}/${programme.version}.yaml`)
    t.ok(existsSync(join(PROGRAMMES_FOLDER, casesFile)), 'its cases stand beside it')
    t.end()
  })

  t.test(`${fileName} says what its cases ask`, (t) => {
    const cases = parseProgrammeCases(casesFile, readYaml(join(PROGRAMMES_FOLDER, casesFile)))

    const spoken = runProgrammeCases(programme, cases, codes)

    for (const [index, one] of cases.cases.entries()) t.same(spoken[index], one.expect, one.title)
    t.ok(
      spoken.some((rules) => Object.keys(rules).length === 0),
      'one case at least has no issue'
    )
    for (const { check, severity } of programme.checks) {
      const isShown = spoken.some((rules) => CHECKS[check].rules.some((rule) => rules[rule] === severity))
      t.ok(isShown, `one case at least shows ${check} as ${severity}`)
    }
    t.end()
  })
}

t.test('every property of every schema is described', (t) => {
  for (const schema of [PROGRAMME_SCHEMA, VACCINE_CODES_SCHEMA, PROGRAMME_CASES_SCHEMA]) {
    t.same(undescribed(schema, String(schema['title'])), [])
  }
  t.end()
})

function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([keyword, value]) => {
    if (keyword === 'if') return []
    const lacking =
      keyword === 'properties' && typeof value === 'object' && value !== null && !path.endsWith('/then')
        ? Object.entries(value as Record<string, { description?: string }>)
            .filter(([, property]) => (property.description ?? '') === '')
            .map(([name]) => `${path}/${name}`)
        : []
    return [...lacking, ...undescribed(value, `${path}/${keyword}`)]
  })
}
