// RFC 6902 on the text of a resource: the cases of its appendix A and of RFC 6901, and what a hostile patch would try.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { applyJsonPatch, parseJsonPatch } from '../../src/fhir/json-patch.js'
import { FhirError } from '../../src/fhir/operation-outcome.js'
import { parseJson } from '../../src/fhir/parse-json.js'

function patched(document: string, operations: unknown): string {
  const text = typeof operations === 'string' ? operations : JSON.stringify(operations)
  return applyJsonPatch(document, parseJsonPatch(parseJson(Buffer.from(text)))).text
}

function refusal(document: string, operations: unknown): [status: number, rule: string | undefined] {
  try {
    return [200, patched(document, operations)]
  } catch (error) {
    if (!(error instanceof FhirError)) throw error
    return [error.status, error.issues[0]?.rule]
  }
}

t.test('each operation does what RFC 6902 appendix A shows', (t) => {
  const cases: [name: string, document: string, operations: unknown, result: string][] = [
    ['A.1 adding a member', '{"foo":"bar"}', [{ op: 'add', path: '/baz', value: 'qux' }], '{"foo":"bar","baz":"qux"}'],
    [
      'A.2 adding an element',
      '{"foo":["bar","baz"]}',
      [{ op: 'add', path: '/foo/1', value: 'qux' }],
      '{"foo":["bar","qux","baz"]}'
    ],
    ['A.3 removing a member', '{"baz":"qux","foo":"bar"}', [{ op: 'remove', path: '/baz' }], '{"foo":"bar"}'],
    ['A.4 removing an element', '{"foo":["a","b","c"]}', [{ op: 'remove', path: '/foo/1' }], '{"foo":["a","c"]}'],
    ['A.5 replacing', '{"baz":1,"foo":2}', [{ op: 'replace', path: '/baz', value: 'boo' }], '{"baz":"boo","foo":2}'],
    [
      'A.6 moving a value',
      '{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}',
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      '{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}'
    ],
    [
      'A.7 moving an element',
      '{"foo":["all","grass","cows","eat"]}',
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      '{"foo":["all","cows","eat","grass"]}'
    ],
    [
      'A.8 testing',
      '{"baz":"qux","foo":["a",2,"c"]}',
      [
        { op: 'test', path: '/baz', value: 'qux' },
        { op: 'test', path: '/foo/1', value: 2 }
      ],
      '{"baz":"qux","foo":["a",2,"c"]}'
    ],
    [
      'A.10 a nested object',
      '{"foo":"bar"}',
      [{ op: 'add', path: '/child', value: { grandchild: {} } }],
      '{"foo":"bar","child":{"grandchild":{}}}'
    ],
    ['A.11 unknown members', '{"a":1}', [{ op: 'add', path: '/b', value: 2, xyz: 123 }], '{"a":1,"b":2}'],
    ['A.14 escapes', '{"/":9,"~1":10}', [{ op: 'test', path: '/~01', value: 10 }], '{"/":9,"~1":10}'],
    ['A.16 an array at the end', '{"foo":["bar"]}', [{ op: 'add', path: '/foo/-', value: [1] }], '{"foo":["bar",[1]]}'],
    ['add replaces a member', '{"a":1,"b":2}', [{ op: 'add', path: '/a', value: null }], '{"a":null,"b":2}'],
    ['copy', '{"a":{"x":0.50}}', [{ op: 'copy', from: '/a', path: '/b' }], '{"a":{"x":0.50},"b":{"x":0.50}}'],
    ['an empty name', '{"":1}', [{ op: 'replace', path: '/', value: 2 }], '{"":2}'],
    [
      'later sees earlier',
      '{}',
      [
        { op: 'add', path: '/a', value: [] },
        { op: 'add', path: '/a/0', value: 1 }
      ],
      '{"a":[1]}'
    ],
    ['none at all', '{"a": 1}', [], '{"a": 1}']
  ]
  for (const [name, document, operations, result] of cases) t.equal(patched(document, operations), result, name)
  t.end()
})

t.test('what no operation touches stays byte for byte: decimals, escapes, spaces, order', (t) => {
  const document = '{ "dose": {"value" : 0.50, "unit":"m\\u006c"}, "list": [1.0, 2e1 ,{"x": 1.10}], "b": "é" }'
  t.equal(
    patched(document, '[{"op":"add","path":"/list/1","value": 7.00}]'),
    '{"dose":{"value" : 0.50, "unit":"m\\u006c"},"list":[1.0,7.00,2e1,{"x": 1.10}],"b":"é"}'
  )
  t.equal(patched(document, [{ op: 'test', path: '/dose/value', value: 0.5 }]), document, 'numbers compare as numbers')
  t.end()
})

t.test('a test compares JSON: order of members does not count, order of elements and types do', (t) => {
  const document = '{"a":{"x":1,"y":[1,2]}}'
  const outcome = (value: unknown) => refusal(document, [{ op: 'test', path: '/a', value }])[0]
  t.equal(outcome({ y: [1, 2], x: 1 }), 200)
  for (const other of [{ y: [2, 1], x: 1 }, { x: 1 }, { x: '1', y: [1, 2] }, null, [1, 2]])
    t.equal(outcome(other), 422, JSON.stringify(other))
  t.same(refusal(document, [{ op: 'test', path: '/b', value: null }]), [422, 'patch-test'], 'nothing is not null')
  t.end()
})

t.test('what is no patch is refused as malformed', (t) => {
  const bad: unknown[] = [
    { op: 'add', path: '/a', value: 1 },
    'null',
    '"x"',
    [1],
    [[]],
    [{}],
    [{ op: 'add', path: '/a' }],
    [{ op: 'add', value: 1 }],
    [{ op: 'add', path: 'a', value: 1 }],
    [{ op: 'add', path: '/a~2', value: 1 }],
    [{ op: 'add', path: '/a~', value: 1 }],
    [{ op: 'add', path: 7, value: 1 }],
    [{ op: 'spam', path: '/a', value: 1 }],
    [{ op: null, path: '/a' }],
    [{ op: 'Remove', path: '/a' }],
    [{ op: 'move', path: '/b' }],
    [{ op: 'copy', path: '/b', from: 'a' }],
    [{ op: 'move', from: '/a', path: '/a/b' }],
    Array.from({ length: 501 }, () => ({ op: 'test', path: '/a', value: 1 }))
  ]
  for (const operations of bad)
    t.same(refusal('{"a":1}', operations), [400, 'patch-malformed'], JSON.stringify(operations).slice(0, 80))
  t.end()
})

t.test('a path that leads nowhere is refused, and nothing of the patch is repeated', (t) => {
  const document = '{"a":[1,2],"b":"text","c":{}}'
  const bad = [
    { op: 'remove', path: '/x' },
    { op: 'replace', path: '/x', value: 1 },
    { op: 'add', path: '/x/y', value: 1 },
    { op: 'add', path: '/a/3', value: 1 },
    { op: 'add', path: '/a/01', value: 1 },
    { op: 'add', path: '/a/-1', value: 1 },
    { op: 'add', path: '/a/1e0', value: 1 },
    { op: 'add', path: '/b/0', value: 1 },
    { op: 'remove', path: '/a/-' },
    { op: 'remove', path: '/a/2' },
    { op: 'remove', path: '/a/length' },
    { op: 'copy', from: '/c/toString', path: '/d' },
    { op: 'move', from: '/x', path: '/d' }
  ]
  for (const operation of bad) t.same(refusal(document, [operation]), [400, 'patch-path'], JSON.stringify(operation))
  try {
    patched(document, [{ op: 'remove', path: '/9990000000' }])
    t.fail('was applied')
  } catch (error) {
    t.notMatch(String(error), /9990000000/)
  }
  t.end()
})

t.test('what is the server’s cannot be written, but may be tested and copied', (t) => {
  const document = '{"resourceType":"Immunization","id":"1","meta":{"versionId":"1","lastUpdated":"x","tag":[]}}'
  const bad = [
    ...['', '/id', '/resourceType', '/meta', '/meta/versionId', '/meta/lastUpdated', '/id/x'].flatMap((path) => [
      { op: 'add', path, value: 'x' },
      { op: 'replace', path, value: 'x' },
      { op: 'remove', path },
      { op: 'copy', from: '/meta/tag', path },
      { op: 'move', from: '/status', path }
    ]),
    { op: 'move', from: '/id', path: '/x' }
  ]
  for (const operation of bad)
    t.same(refusal(document, [operation]), [422, 'patch-protected'], JSON.stringify(operation))
  t.equal(refusal(document, [{ op: 'test', path: '/meta/versionId', value: '1' }])[0], 200)
  t.match(patched(document, [{ op: 'add', path: '/meta/tag/-', value: { code: 'a' } }]), '"tag":[{"code":"a"}]')
  t.match(patched(document, [{ op: 'copy', from: '/id', path: '/x' }]), '"x":"1"')
  t.end()
})

t.test('names that programs trip over do no harm', (t) => {
  for (const path of ['/__proto__/polluted', '/constructor/prototype/polluted', '/a/__proto__', '/prototype'])
    for (const op of ['add', 'replace', 'remove', 'test'])
      t.same(refusal('{"a":{}}', [{ op, path, value: true }]), [400, 'patch-malformed'], `${op} ${path}`)
  t.same(refusal('{"a":{}}', [{ op: 'copy', from: '/constructor', path: '/b' }]), [400, 'patch-malformed'])
  t.same(refusal('{}', '[{"op":"add","path":"/a","value":{"__proto__":{"x":1}}}]'), [400, 'json-forbidden-key'])
  t.equal(Reflect.get({}, 'polluted'), undefined)
  t.end()
})

t.test('a patch that grows without end is stopped', (t) => {
  const doubling = Array.from({ length: 100 }, (_, n) => ({ op: 'copy', from: '/a', path: `/a/k${n}` }))
  t.same(refusal('{"a":{"x":"yyyyyyyyyyyyyyyyyyyyyyyyyyyy"}}', doubling), [400, 'patch-size'])
  const wide = Array.from({ length: 100 }, () => ({ op: 'copy', from: '/a', path: '/a/-' }))
  t.same(refusal('{"a":["x"]}', wide), [400, 'patch-size'], 'deeper than any resource')
  const nested = JSON.parse('['.repeat(20) + ']'.repeat(20)) as unknown
  const deep = [
    { op: 'add', path: '/a', value: nested },
    { op: 'copy', from: '/a', path: `/a${'/0'.repeat(19)}/0` }
  ]
  t.same(refusal('{}', deep), [400, 'patch-size'])
  t.end()
})

const SPECIAL = new Set(['__proto__', 'constructor', 'prototype', 'id', 'resourceType', 'meta'])

/** What the strict reader refuses for reasons of its own. */
function hasSpecial(text: string): boolean {
  return /__proto__|constructor|prototype|\\u0000|\\ud[89a-f]/i.test(text)
}

t.test('replacing each member by itself gives the same document, whatever the document', (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (document) => {
      const names = Object.keys(document).filter((name) => !SPECIAL.has(name))
      const before = Object.fromEntries(names.map((name) => [name, document[name]]))
      const text = JSON.stringify(before, null, 1)
      if (hasSpecial(text)) return true
      const operations = names.map((name) => ({
        op: 'replace',
        path: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        value: before[name]
      }))
      return isDeepStrictEqual(JSON.parse(patched(text, operations)), JSON.parse(text))
    }),
    { numRuns: 500 }
  )
  t.pass('500 documents')
  t.end()
})
