import fc from 'fast-check'
import t from 'tap'
import { FhirError } from '../../src/fhir/operation-outcome.js'
import { MAX_DEPTH, parseJson } from '../../src/fhir/parse-json.js'

function refusal(body: string | Buffer): { status: number; rule: string; text: string } | undefined {
  try {
    parseJson(Buffer.from(body))
    return undefined
  } catch (error) {
    if (!(error instanceof FhirError)) throw error
    const [issue] = error.issues
    return { status: error.status, rule: issue?.rule ?? '', text: issue?.text ?? '' }
  }
}

t.test('text and value come back as sent, and each top-level member with its place', (t) => {
  const text = ' {\n "a" : 0.50 ,"b":{"c":[1, "}]," ,{}]} , "\\u0064" : "x\\"y" }\n'
  const parsed = parseJson(Buffer.from(text))
  t.equal(parsed.text, text)
  t.same(parsed.value, { a: 0.5, b: { c: [1, '}],', {}] }, d: 'x"y' })
  const slices = [...parsed.members].map(([name, { start, valueStart, end }]) => [
    name,
    text.slice(start, end),
    text.slice(valueStart, end)
  ])
  t.same(slices, [
    ['a', '"a" : 0.50', '0.50'],
    ['b', '"b":{"c":[1, "}]," ,{}]}', '{"c":[1, "}]," ,{}]}'],
    ['d', '"\\u0064" : "x\\"y"', '"x\\"y"']
  ])
  for (const other of ['null', '[{"a":1}]', '"a"', '1', 'true', '{}'])
    t.equal(parseJson(Buffer.from(other)).members.size, 0)
  t.end()
})

t.test('whatever JSON.stringify writes is read, and its members lie where they say', (t) => {
  const key = fc.string().filter((name) => !['__proto__', 'constructor', 'prototype'].includes(name) && isSound(name))
  const leaf = fc.oneof(
    fc.string().filter(isSound),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null)
  )
  const value = fc.letrec((tie) => ({
    node: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('node')), fc.dictionary(key, tie('node')))
  })).node
  fc.assert(
    fc.property(fc.dictionary(key, value), fc.constantFrom(0, 1, 3), (object, indent) => {
      const text = JSON.stringify(object, null, indent)
      const parsed = parseJson(Buffer.from(text))
      if (JSON.stringify(parsed.value) !== JSON.stringify(object)) return false
      return Object.entries(object).every(([name, member]) => {
        const span = parsed.members.get(name)
        if (span === undefined) return false
        const rebuilt = JSON.parse(`{${text.slice(span.start, span.end)}}`) as Record<string, unknown>
        const alone: unknown = JSON.parse(text.slice(span.valueStart, span.end))
        return (
          JSON.stringify(rebuilt[name]) === JSON.stringify(member) && JSON.stringify(alone) === JSON.stringify(member)
        )
      })
    })
  )
  t.end()
})

function isSound(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

t.test('what JSON.parse lets through in silence is refused, with line and column', (t) => {
  const cases: [body: string, rule: string, place: RegExp][] = [
    ['{"a":1,\n "a":2}', 'json-duplicate-key', /^line 2, column 2:/],
    ['{"a":{"b":1,"\\u0062":2}}', 'json-duplicate-key', /^line 1, column 13:/],
    ['[{"a":1},{"a":1,"a":1}]', 'json-duplicate-key', /^line 1, column 17:/],
    ['{"__proto__":1}', 'json-forbidden-key', /^line 1, column 2:/],
    ['{"a":[{"\\u005f_proto__":1}]}', 'json-forbidden-key', /column 8/],
    ['{"constructor":1}', 'json-forbidden-key', /column 2/],
    ['{"prototype":1}', 'json-forbidden-key', /column 2/],
    ['{"a":"\\u0000"}', 'json-nul', /column 6/],
    ['{"a\\u0000":1}', 'json-nul', /column 2/],
    ['{"a":"\\uD83D"}', 'json-surrogate', /column 6/],
    ['{"a":"\\uDE00\\uD83D"}', 'json-surrogate', /column 6/],
    ['{"a":1e400}', 'json-number-range', /column 6/],
    ['{"a":-1e999}', 'json-number-range', /column 6/]
  ]
  for (const [body, rule, place] of cases) {
    const refused = refusal(body)
    t.match(refused, { status: 400, rule }, body)
    t.match(refused?.text, place, body)
  }
  t.end()
})

t.test('sound text that only looks odd is read', (t) => {
  for (const body of [
    '{"a":"\\\\u0000"}',
    '{"a":"\\uD83D\\uDE00"}',
    '{"a":"😀 \\u00e9 \\n"}',
    '{"a":"__proto__","proto":{"a":{"a":{}}}}',
    '{"a":{"a":1},"b":[{"a":1},{"a":1}]}',
    '{"a":-0,"b":0.000000000000000000000000000000001,"c":123456789012345678901234567890}',
    '{"":1}',
    '\t\r\n {"a" : true , "b":false,"c":null}'
  ])
    t.equal(refusal(body), undefined, body)
  t.equal(JSON.stringify(({} as { admin?: boolean }).admin), undefined)
  t.end()
})

t.test('nesting may be 32 deep and not deeper', (t) => {
  const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth)
  t.equal(refusal(nested('[', ']', MAX_DEPTH)), undefined)
  t.match(refusal(nested('[', ']', MAX_DEPTH + 1)), { rule: 'json-depth' })
  t.equal(refusal(`${'{"a":'.repeat(MAX_DEPTH)}1${'}'.repeat(MAX_DEPTH)}`), undefined)
  t.match(refusal(`${'{"a":'.repeat(MAX_DEPTH + 1)}1${'}'.repeat(MAX_DEPTH + 1)}`), { rule: 'json-depth' })
  t.end()
})

t.test('bytes that are not UTF-8 are refused, not replaced', (t) => {
  const inString = (...bytes: number[]) => Buffer.from([0x22, ...bytes, 0x22])
  for (const body of [
    inString(0xff),
    inString(0xc3),
    inString(0xe9),
    inString(0xed, 0xa0, 0x80),
    inString(0xc0, 0x80),
    inString(0xf5, 0x80, 0x80, 0x80)
  ])
    t.match(refusal(body), { status: 400, rule: 'json-encoding' }, body.toString('hex'))
  t.equal(refusal(inString(0xc3, 0xab)), undefined)
  t.end()
})

t.test('faults of syntax are placed, and what stands there is not repeated', (t) => {
  const cases: [body: string, place: string][] = [
    ['{"nhs": 9990000018 "x"}', 'line 1, column 20'],
    ['{\n  "a": 1,\n}', 'line 3, column 1'],
    ['{"a":1}}', 'line 1, column 8'],
    ['{"a":', 'line 1, column 6'],
    ["{'a':1}", 'line 1, column 2'],
    ['9990000018 9990000018', 'line 1, column 12']
  ]
  for (const [body, place] of cases) {
    const refused = refusal(body)
    t.match(refused, { rule: 'json-syntax' }, body)
    t.equal(refused?.text.split(':')[0], place, body)
    t.notMatch(refused?.text, /9990000018/)
  }
  for (const body of ['Jane Doe', '{"a": tru}', '\ufeff{}', '']) {
    const refused = refusal(body)
    t.match(refused, { status: 400, rule: 'json-syntax' }, body)
    t.notMatch(refused?.text, /Jane|tru/)
  }
  t.end()
})

t.test('the worst megabyte is read in the time of a megabyte', (t) => {
  const MB = 1_000_000
  const worst: Record<string, string> = {
    quotes: `{"a":"${'\\"'.repeat(MB / 2)}"}`,
    backslashes: `{"a":"${'\\\\'.repeat(MB / 2)}"}`,
    unicodeEscapes: `{"a":"${'\\u00e9'.repeat(MB / 6)}"}`,
    openBrackets: '['.repeat(MB),
    balancedBrackets: '['.repeat(MB / 2) + ']'.repeat(MB / 2),
    openObjects: '{"a":'.repeat(MB / 5),
    manyKeys: `{${Array.from({ length: MB / 12 }, (_, index) => `"k${String(index).padStart(6, '0')}":1`).join(',')}}`,
    escapedKeys: `{${Array.from({ length: MB / 20 }, (_, index) => `"\\u006b${String(index).padStart(6, '0')}":1`).join(',')}}`,
    manyValues: `[${'1,'.repeat(MB / 2)}1]`,
    emptyStrings: `[${'"",'.repeat(MB / 3)}""]`,
    longNumber: `{"a":${'9'.repeat(MB)}}`,
    longFraction: `{"a":0.${'9'.repeat(MB)}}`,
    spaces: `{"a":${' '.repeat(MB)}1${' '.repeat(MB)}}`,
    newLines: `{"a":1${'\n'.repeat(MB)},"a":2}`,
    lateFault: `{"a":"${'x'.repeat(MB)}",}`,
    unclosed: `{"a":"${'x'.repeat(MB)}`,
    longKey: `{"${'k'.repeat(MB)}":1}`
  }
  for (const [name, body] of Object.entries(worst)) {
    const bytes = Buffer.from(body)
    const before = process.cpuUsage()
    try {
      parseJson(bytes)
    } catch (error) {
      t.ok(error instanceof FhirError, name)
    }
    const cpuMs = process.cpuUsage(before).user / 1000
    // Tens of milliseconds here; quadratic work on a megabyte takes minutes.
    t.ok(cpuMs < 1500, `${name}: ${Math.round(cpuMs)} ms of processor time`)
  }
  t.end()
})
