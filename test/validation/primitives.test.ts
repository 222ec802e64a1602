// Lexical rules at their boundaries, against http://hl7.org/fhir/R4/datatypes.html#primitive
import t from 'tap'
import { PRIMITIVE_TYPES } from '../../src/validation/primitives/primitive-types.js'
import { isSafeNarrative } from '../../src/validation/primitives/xhtml.js'
import { hasVerhoeffCheckDigit, isSnomedConceptId } from '../../src/fhir/snomed.js'

const CASES: Record<string, { good: unknown[]; bad: unknown[] }> = {
  boolean: { good: [true, false], bad: ['true', 1, null] },
  integer: { good: [0, -5, 2147483647, -2147483648], bad: [2147483648, 1.5, '1', Number.NaN] },
  unsignedInt: { good: [0, 2147483647], bad: [-1, 2147483648] },
  positiveInt: { good: [1], bad: [0, -1, 1.5] },
  decimal: { good: [0.5, -1, 1e3], bad: ['0.5', Number.POSITIVE_INFINITY] },
  string: { good: ['a', ' a ', 'a\nb', 'é'], bad: ['', ' ', '\t\n', 'a\u0000b', 7, 'x'.repeat(1_048_577)] },
  code: { good: ['a', 'a b'], bad: ['', ' a', 'a ', 'a  b', 'a\n'] },
  id: { good: ['a', 'A-1.b', 'x'.repeat(64)], bad: ['', 'a b', 'a_b', 'x'.repeat(65)] },
  uri: { good: ['http://example.org', 'urn:oid:1.2', 'relative'], bad: ['', 'a b', ' a'] },
  oid: { good: ['urn:oid:2.16.840'], bad: ['urn:oid:3.1', 'urn:oid:1', 'urn:oid:1.02', '1.2'] },
  uuid: {
    good: ['urn:uuid:c757873d-ec9a-4326-a141-556f43239520'],
    bad: ['urn:uuid:C757873D-EC9A-4326-A141-556F43239520', 'c757873d-ec9a-4326-a141-556f43239520']
  },
  date: {
    good: ['2024', '2024-02', '2024-02-29', '2000-02-29', '0001-01-01', '9999-12-31'],
    bad: [
      '2023-02-29',
      '1900-02-29',
      '2024-13',
      '2024-00',
      '2024-04-31',
      '0000',
      '24',
      '2024-2-1',
      '2024-02-29Z',
      '2024-01-01T00:00:00Z'
    ]
  },
  dateTime: {
    good: [
      '2024',
      '2024-02-29',
      '2024-02-29T23:59:60Z',
      '2024-02-29T00:00:00.123456789+14:00',
      '2024-01-01T00:00:00-00:00'
    ],
    bad: [
      '2024-02-29T24:00:00Z',
      '2024-02-29T10:00Z',
      '2024-02-29T10:00:00',
      '2024-02-30T10:00:00Z',
      '2024-01-01T00:00:00+14:01',
      '2024-01-01T00:00:00.Z',
      '2024-01-01 00:00:00Z',
      '2024-01-01T00:60:00Z',
      '2024-01T00:00:00Z'
    ]
  },
  instant: { good: ['2024-02-29T10:00:00Z'], bad: ['2024-02-29', '2024-02-29T10:00:00'] },
  time: { good: ['00:00:00', '23:59:59.999'], bad: ['24:00:00', '10:00', '10:00:00Z'] },
  base64Binary: { good: ['AAAA', 'AA==', 'AAA=', 'AA AA\nBBBB'], bad: ['', 'AAA', 'A===', 'AA=A', 'A-AA', '===='] }
}

t.test('every primitive type takes what its format allows and nothing else', (t) => {
  for (const [name, { good, bad }] of Object.entries(CASES)) {
    const type = PRIMITIVE_TYPES.get(name)
    for (const value of good) t.equal(type?.matches(value), true, `${name}: ${label(value)}`)
    for (const value of bad) t.equal(type?.matches(value), false, `not ${name}: ${label(value)}`)
  }
  t.end()
})

t.test('the base64 text that blocks the published expression for minutes is answered at once', (t) => {
  const start = process.cpuUsage()
  PRIMITIVE_TYPES.get('base64Binary')?.matches(`${'AAAA '.repeat(200_000)}!`)
  t.comment(`1 MB of hostile base64: ${process.cpuUsage(start).user / 1000} ms of CPU`)
  t.end()
})

const DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'

t.test('a narrative is formatting only', (t) => {
  const good = [
    `${DIV}text</div>`,
    `\n${DIV}<p class="x">a &amp; b &#160;&nbsp;</p><br/><img src="#pic" alt="x"/></div>\n`,
    `${DIV}<!-- note --><table border="1"><tr><td colspan='2'>1 &lt; 2</td></tr></table></div>`,
    `${DIV}<a href="https://example.org">more</a></div>`,
    `${DIV}<img src="data:image/png;base64,AAAA" alt="chart"/></div>`
  ]
  const bad = [
    '',
    'text',
    '<div>no namespace</div>',
    `${DIV}</div>`,
    `${DIV}  </div>`,
    `${DIV}a</div>${DIV}b</div>`,
    `${DIV}a</div>tail`,
    `${DIV}<p>a</div>`,
    `${DIV}a & b</div>`,
    `${DIV}<script>alert(1)</script></div>`,
    `${DIV}<p onclick="go()">a</p></div>`,
    `${DIV}<iframe src="https://example.org"></iframe>a</div>`,
    `${DIV}<form>a</form></div>`,
    `${DIV}<a href="javascript:go()">a</a></div>`,
    `${DIV}<a href=" jAva&#115;cript:go()">a</a></div>`,
    `${DIV}<p style="background: url(javascript:go())">a</p></div>`,
    `${DIV}<link rel="stylesheet" href="x.css"/>a</div>`,
    `${DIV}<p class=x>a</p></div>`,
    `${DIV}<p>a`,
    `${DIV}<!-- open</div>`
  ]
  for (const text of good) t.ok(isSafeNarrative(text), text)
  for (const text of bad) t.notOk(isSafeNarrative(text), `refused: ${text}`)
  t.end()
})

t.test('a SNOMED CT identifier has its check digit and its partition', (t) => {
  for (const code of ['78421000', '840539006', '368208006', '39114911000001105', '1324681000000101']) {
    t.ok(isSnomedConceptId(code), code)
  }
  const wrong = [
    '78421001',
    '840539060',
    '078421000',
    '12345',
    '1234567890123456789',
    '7842100O',
    '301480018',
    '',
    '784-21000'
  ]
  for (const code of wrong) t.notOk(isSnomedConceptId(code), `refused: ${code}`)
  t.ok(hasVerhoeffCheckDigit('2363'), 'the textbook example of Verhoeff')
  t.end()
})

function label(value: unknown): string {
  return typeof value === 'string' && value.length > 60 ? `${value.length} characters` : JSON.stringify(value)
}
