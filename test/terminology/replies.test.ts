// Whatever a terminology server answers is an answer, or a sentence that says why it is none; and when it is left alone.
import t from 'tap'
import { createOutage } from '../../src/terminology/outage.js'
import { waitAfter } from '../../src/terminology/policy.js'
import { readReply } from '../../src/terminology/read-reply.js'

const outcome = JSON.stringify({ resourceType: 'OperationOutcome', issue: [] })
const parameters = (...parameter: object[]): string => JSON.stringify({ resourceType: 'Parameters', parameter })
const yes = { name: 'result', valueBoolean: true }
const no = { name: 'result', valueBoolean: false }

t.test('a result is read with what goes with it', (t) => {
  t.same(readReply(200, parameters(yes, { name: 'version', valueString: 'http://snomed.info/sct/1/version/2' })), {
    kind: 'answered',
    result: 'member',
    inactive: false,
    systemVersion: 'http://snomed.info/sct/1/version/2'
  })
  t.match(readReply(200, parameters(no)), { result: 'not-member', systemVersion: null })
  t.match(readReply(200, parameters(yes, { name: 'inactive', valueBoolean: true })), { inactive: true })
  t.match(readReply(200, parameters(no, { name: 'x-unknown-system', valueCanonical: 'x' })), { result: 'unknown' })
  t.match(readReply(200, parameters(no, { name: 'x-caused-by-unknown-system' })), { result: 'unknown' })
  for (const status of [400, 404, 422]) t.match(readReply(status, outcome), { kind: 'answered', result: 'unknown' })
  for (const valueString of ['<b>', 'x'.repeat(200), '', 'two words', 7])
    t.match(readReply(200, parameters(yes, { name: 'version', valueString })), { systemVersion: null })
  t.end()
})

t.test('anything else is a failure of this question, or of the server', (t) => {
  for (const text of ['', '{', 'null', '[]', '7', '{}', outcome, parameters(), parameters({ name: 'result' })])
    t.match(readReply(200, text), { kind: 'failed', of: 'question' }, text)
  for (const odd of ['{"resourceType":"Parameters","parameter":7}', '{"resourceType":"Parameters","parameter":[null]}'])
    t.match(readReply(200, odd), { kind: 'failed', of: 'question' })
  for (const status of [201, 301, 307, 401, 403, 404, 408, 429, 500, 503])
    t.match(readReply(status, '<html>'), { kind: 'failed', of: 'server' }, String(status))
  t.match(readReply(401, outcome), { problem: /check TERMINOLOGY_TOKEN/ })
  t.match(readReply(404, '<html>'), { problem: /check TERMINOLOGY_URL/ })
  t.end()
})

t.test('a server that fails three times in a row is left alone, longer each time, until it answers', (t) => {
  let at = 0
  const outage = createOutage(
    { failuresToOpen: 3, firstWaitMs: 1_000, longestWaitMs: 3_000 },
    () => at,
    () => 1
  )
  t.same([outage.failed(), outage.failed(), outage.remainingMs()], [false, false, 0])
  t.equal(outage.failed(), true)
  t.equal(outage.remainingMs(), 1_000)
  t.equal(outage.failed(), false, 'one that was under way at the same time begins no wait of its own')
  at = 1_000
  t.equal(outage.remainingMs(), 0)
  t.equal(outage.failed(), true)
  t.equal(outage.remainingMs(), 3_000, 'no longer than the longest')
  at = 4_000
  outage.answered()
  t.same([outage.failed(), outage.remainingMs()], [false, 0])
  t.equal(outage.failed(5_000), true, 'a server that names a time is left alone for it at once')
  t.equal(outage.remainingMs(), 5_000)
  t.end()
})

t.test('waits double up to the longest, with a quarter left to chance', (t) => {
  const retry = { firstMs: 100, longestMs: 1_000 }
  t.same(
    [0, 1, 2, 3, 4, 500].map((times) => waitAfter(times, retry, () => 1)),
    [100, 200, 400, 800, 1_000, 1_000]
  )
  t.equal(
    waitAfter(0, retry, () => 0),
    75
  )
  t.end()
})
