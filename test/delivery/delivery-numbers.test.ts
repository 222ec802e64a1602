import t from 'tap'
import { backoffMs } from '../../src/delivery/backoff.js'
import { changesNothing, judgeSigns, type Sign } from '../../src/delivery/breaker.js'
import type { Delivery } from '../../src/delivery/destination.js'
import { judgeOutcome, type AttemptOutcome, type Judgement } from '../../src/delivery/judge-outcome.js'
import { DELIVERY_POLICY } from '../../src/delivery/policy.js'
import { planTurn } from '../../src/delivery/rate.js'

t.test('the wait before the next attempt doubles up to its bound, with the whole of it at random', async (t) => {
  const retry = { firstMs: 1_000, longestMs: 60_000 }
  const longest = (attempt: number): number => backoffMs(attempt, retry, 1)

  t.same([1, 2, 3, 6, 7, 50].map(longest), [1_000, 2_000, 4_000, 32_000, 60_000, 60_000])
  t.equal(backoffMs(5, retry, 0), 0)
  t.equal(backoffMs(5, retry, 0.5), 8_000)
  t.equal(backoffMs(1, retry, 0.5, 10_000), 10_500, 'what the receiver asked for, and the jitter on top')
  t.throws(() => backoffMs(0, retry, 0.5), RangeError)
})

const well = {
  consecutiveFailures: 0,
  breakerOpen: false,
  breakerWaits: 0,
  slowStart: null,
  sample: { tries: 0, unavailable: 0 }
}
const open = { ...well, consecutiveFailures: 5, breakerOpen: true, breakerWaits: 2 }
const policy = DELIVERY_POLICY.breaker
const signs = (...kinds: Sign['kind'][]): Sign[] => kinds.map((kind) => ({ kind, isProbe: false }))
const times = (count: number, kind: Sign['kind']): Sign[] => signs(...Array<Sign['kind']>(count).fill(kind))
const probe = (kind: Sign['kind']): Sign[] => [{ kind, isProbe: true }]

t.test('the breaker opens at the fifth failure in a row, not at the fourth', async (t) => {
  const four = judgeSigns(well, times(4, 'unavailable'), policy)
  const five = judgeSigns({ ...well, consecutiveFailures: 4 }, signs('unavailable'), policy)

  t.match(four, { consecutiveFailures: 4, breaker: null })
  t.match(five, {
    consecutiveFailures: 5,
    breakerWaits: 1,
    breaker: { kind: 'open', waitMs: 15_000, reason: 'unavailable' }
  })
})

t.test('an answer in between begins the count again', async (t) => {
  const change = judgeSigns({ ...well, consecutiveFailures: 4 }, signs('answered', 'unavailable'), policy)

  t.match(change, { consecutiveFailures: 1, breaker: null })
})

t.test('seven of ten that fail open it too, though an answer comes in between; six of ten do not', async (t) => {
  const six = judgeSigns(
    well,
    [...times(4, 'unavailable'), ...signs('answered'), ...times(2, 'unavailable'), ...times(2, 'answered')],
    policy
  )
  t.match(six, { breaker: null, sample: { tries: 9, unavailable: 6 } })
  t.match(judgeSigns({ ...well, ...six }, signs('answered'), policy).breaker, null)
  t.match(judgeSigns({ ...well, ...six }, signs('unavailable'), policy).breaker, { kind: 'open', waitMs: 15_000 })
  const early = judgeSigns(well, [...times(4, 'unavailable'), ...signs('answered'), ...times(4, 'unavailable')], policy)
  t.equal(early.breaker, null, 'nine say too little')
})

t.test('credentials that are refused open it at once', async (t) => {
  const change = judgeSigns(well, signs('credentials'), policy)

  t.match(change, { breakerWaits: 1, breaker: { kind: 'open', reason: 'credentials' } })
})

t.test('each probe that fails doubles the wait, from 15 seconds up to five minutes', async (t) => {
  const waitAfter = (waits: number): unknown => {
    const { breaker } = judgeSigns({ ...open, breakerWaits: waits }, probe('unavailable'), policy)
    return breaker?.kind === 'open' && breaker.waitMs
  }

  t.same([1, 2, 3, 4, 5, 20].map(waitAfter), [30_000, 60_000, 120_000, 240_000, 300_000, 300_000])
})

t.test('what fails while it is open and was under way before adds nothing; an answer closes it', async (t) => {
  t.equal(judgeSigns(open, signs('unavailable'), policy).breaker, null)
  t.match(judgeSigns(open, probe('answered'), policy), { consecutiveFailures: 0, breaker: { kind: 'closed' } })
  t.match(judgeSigns(open, signs('answered'), policy).breaker, { kind: 'closed' })
})

t.test('what has just come back is trusted step by step: each answer lets one more be under way', async (t) => {
  const back = judgeSigns(open, probe('answered'), policy)
  t.match(back, { slowStart: 1, breakerWaits: 2 }, 'the waits are remembered while it is on trial')

  const proven = judgeSigns({ ...well, ...back }, times(3, 'answered'), policy)
  t.match(proven, { slowStart: 4, breakerWaits: 0, breaker: null })

  const trusted = judgeSigns({ ...well, ...proven }, times(396, 'answered'), policy)
  t.equal(trusted.slowStart, null, 'as many answers as the queue may hold')
})

t.test('a failure among the first three answers opens it again, for twice as long; later it takes five', async (t) => {
  const back = { ...well, breakerWaits: 2, slowStart: 3 }
  t.match(judgeSigns(back, signs('unavailable'), policy), {
    breakerWaits: 3,
    slowStart: null,
    breaker: { kind: 'open', waitMs: 60_000 }
  })
  t.match(judgeSigns(back, signs('answered', 'unavailable'), policy), { slowStart: 4, breaker: null })
})

t.test('a healthy destination is not written to for every answer', async (t) => {
  t.equal(changesNothing(well, signs('answered', 'answered')), true)
  t.equal(changesNothing(well, signs('answered', 'unavailable')), false)
  t.equal(changesNothing({ ...well, consecutiveFailures: 1 }, signs('answered')), false)
  t.equal(changesNothing({ ...well, breakerOpen: true }, signs('answered')), false)
  t.equal(changesNothing({ ...well, slowStart: 9 }, signs('answered')), false)
  t.equal(changesNothing({ ...well, sample: { tries: 3, unavailable: 1 } }, signs('answered')), false)
})

t.test('a rate promises moments one after the other, at most a second ahead', async (t) => {
  t.same(planTurn(0, 20, 50), { kind: 'go', requests: 20, startInMs: 0, gapMs: 50 })
  t.same(planTurn(0, 20, 3), { kind: 'go', requests: 3, startInMs: 0, gapMs: 50 })
  t.same(planTurn(900, 20, 50), { kind: 'go', requests: 2, startInMs: 900, gapMs: 50 })
  t.same(planTurn(1_000, 20, 50), { kind: 'wait', waitMs: 50 })
  t.same(planTurn(0, 0.1, 5), { kind: 'go', requests: 1, startInMs: 0, gapMs: 10_000 }, 'less than one a second')
  t.same(planTurn(10_000, 0.1, 5), { kind: 'wait', waitMs: 9_050 })
})

const delivery: Delivery = {
  deliveryId: '0190a4d0-0000-7000-8000-000000000001',
  destination: 'gp',
  recordId: '0190a4d0-0000-7000-8000-000000000002',
  patientKey: '0190a4d0-0000-7000-8000-000000000003',
  version: 1,
  operation: 'create',
  vaccineType: 'FLU',
  supplier: 'supplier-a',
  changedAt: new Date('2025-10-03T09:21:07.125Z'),
  body: '{}',
  attempt: 2,
  epoch: 7,
  outcomeUnknown: false
}
const judge = (outcome: AttemptOutcome): Judgement => judgeOutcome(delivery, outcome, DELIVERY_POLICY, 0.5)

t.test('every outcome has its consequence', async (t) => {
  const remote = { id: 'r-1', version: '2' }
  const cases: [AttemptOutcome, object][] = [
    [
      { kind: 'delivered', status: 201, remote },
      { end: { next: 'delivered', class: 'delivered', status: 201, remote, outcome: 'known' }, sign: 'answered' }
    ],
    [{ kind: 'not-needed', message: 'no PERSON item' }, { end: { next: 'delivered', class: 'not-needed' } }],
    [
      { kind: 'unavailable', ambiguous: false, status: 503, message: 'answered 503' },
      { end: { next: 'retry', counts: true, outcome: 'as-before', dueInMs: 1_000 }, sign: 'unavailable' }
    ],
    [
      { kind: 'unavailable', ambiguous: true, message: 'reset' },
      { end: { next: 'retry', outcome: 'unknown', dueInMs: 11_000 }, sign: 'unavailable' }
    ],
    [
      { kind: 'unavailable', ambiguous: false, status: 503, retryAfterMs: 20_000, message: 'answered 503' },
      { end: { next: 'retry', dueInMs: 21_000 } }
    ],
    [
      { kind: 'limited', status: 429, message: 'answered 429' },
      { end: { next: 'retry', counts: false, dueInMs: 0 }, sign: 'answered', restMs: 60_000 }
    ],
    [{ kind: 'limited', status: 429, retryAfterMs: 86_400_000, message: '' }, { restMs: 900_000 }],
    [{ kind: 'limited', status: 429, retryAfterMs: 1, message: '' }, { restMs: 1_000 }],
    [
      { kind: 'credentials', status: 401, message: 'answered 401' },
      { end: { next: 'retry', counts: false }, sign: 'credentials' }
    ],
    [
      { kind: 'refused', status: 400, message: 'answered 400' },
      { end: { next: 'held', class: 'refused', status: 400, message: 'answered 400' }, sign: 'answered' }
    ],
    [
      { kind: 'fault', place: 'a TypeError at map.ts:7' },
      { end: { next: 'held', class: 'fault', outcome: 'unknown' } }
    ],
    [{ kind: 'stopped', sent: true }, { end: { next: 'retry', counts: false, outcome: 'unknown', dueInMs: 10_000 } }],
    [{ kind: 'stopped', sent: false }, { end: { next: 'retry', counts: false, outcome: 'as-before', dueInMs: 0 } }]
  ]
  for (const [outcome, expected] of cases) t.match(judge(outcome), expected, JSON.stringify(outcome))
  t.notOk(judge({ kind: 'fault', place: 'somewhere' }).sign, 'our own fault says nothing about the destination')
  t.notOk(judge({ kind: 'not-needed', message: '' }).sign)
})
