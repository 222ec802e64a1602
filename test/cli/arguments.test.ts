import t from 'tap'
import { locateExpression } from '../../src/fhir/locate-expression.js'
import { layoutColumns } from '../../src/cli/layout-columns.js'
import { parseTimeArgument } from '../../src/cli/time-argument.js'

const NOW = new Date('2026-11-22T10:00:00.000Z')

t.test('a time is a while ago or ISO 8601', (t) => {
  const expected: Record<string, string> = {
    '90s': '2026-11-22T09:58:30.000Z',
    '15m': '2026-11-22T09:45:00.000Z',
    '2h': '2026-11-22T08:00:00.000Z',
    '1d': '2026-11-21T10:00:00.000Z',
    '0s': '2026-11-22T10:00:00.000Z',
    '2026-11-22T09:30:00Z': '2026-11-22T09:30:00.000Z',
    '2026-11-22T09:30Z': '2026-11-22T09:30:00.000Z',
    '2026-11-22T09:30:00.250+01:00': '2026-11-22T08:30:00.250Z',
    '2026-11-22': '2026-11-22T00:00:00.000Z',
    '2026-07-01': '2026-06-30T23:00:00.000Z'
  }
  for (const [text, moment] of Object.entries(expected)) t.equal(parseTimeArgument(text, NOW), moment, text)
  t.end()
})

t.test('what is no time is refused with an example', (t) => {
  for (const text of [
    '',
    '1',
    '15 m',
    '-1h',
    '1w',
    'yesterday',
    '2026-02-29',
    '2026-11-22T09:30:00',
    '2026-11',
    '2026-13-01'
  ])
    t.throws(() => parseTimeArgument(text, NOW), { exitCode: 2, message: /is not a time: give a while ago/ }, text)
  t.end()
})

t.test('a table that is too wide leaves out columns, then wraps text, and never breaks an id', (t) => {
  const columns = [
    { head: 'ID' },
    { head: 'RECORD', leaveOut: 2 },
    { head: 'AGE', leaveOut: 1 },
    { head: 'MESSAGE', wraps: true }
  ]
  const cells = [['i'.repeat(36), 'r'.repeat(36), '12m', 'm'.repeat(100)]]

  const free = layoutColumns(columns, cells, undefined)
  const wide = layoutColumns(columns, cells, 140)
  const narrow = layoutColumns(columns, cells, 80)
  const tiny = layoutColumns(columns, cells, 40)

  t.same(free, { shown: [0, 1, 2, 3], widths: [36, 36, 3, 100] })
  t.same(wide, { shown: [0, 1, 2, 3], widths: [36, 36, 3, 59] })
  t.same(narrow, { shown: [0, 2, 3], widths: [36, 3, 37] })
  t.same(tiny, { shown: [0, 3], widths: [36, 20] })
  t.end()
})

t.test('an issue is found in the text by its path', (t) => {
  const text = `{
  "resourceType": "Immunization",
  "contained": [
    { "resourceType": "Patient",
      "name": [ { "family": "a \\"quoted\\" } ] name" } ] }
  ],
  "occurrenceDateTime": "2026-10-01",
  "statusReason": {},
  "performer": [
    { "actor": { "reference": "#one" } },
    { "actor":
      { "reference": "#two" } }
  ]
}`
  const expected: Record<string, [line: number, column: number]> = {
    Immunization: [1, 1],
    'Immunization.contained[0]': [4, 5],
    'Immunization.contained[0].name[0].family': [5, 19],
    'Immunization.occurrence': [7, 3],
    'Immunization.occurrence.ofType(dateTime)': [7, 3],
    'Immunization.occurrence.ofType(string)': [1, 1],
    'Immunization.status': [1, 1],
    'Immunization.performer[1].actor.reference': [12, 9],
    'Immunization.performer.actor': [10, 7],
    'Immunization.performer[1].function': [11, 5],
    'Immunization.performer[7].actor': [9, 3],
    'Immunization.lotNumber': [1, 1]
  }
  for (const [path, [line, column]] of Object.entries(expected))
    t.same(locateExpression(text, path), { line, column }, path)
  t.equal(locateExpression('[]', 'Immunization.status'), undefined)
  t.equal(locateExpression('', 'Immunization.status'), undefined)
  t.end()
})
