// Operations that were never attempted come to one, or to none; and whatever comes, and whenever a worker attempts in
// between, a receiver is told nothing that it would refuse and ends with the last state.
import fc from 'fast-check'
import t from 'tap'
import { planCollapse, type News } from '../../src/delivery/collapse-lane.js'
import type { DeliveryOperation } from '../../src/delivery/destination.js'
import { isToldPresent, planPresence } from '../../src/delivery/plan-deliveries.js'
import type { LaneEntry, LaneState } from '../../src/storage/outbox-store.js'

const LATEST = { versions: 'latest', followsPatient: false } as const
const entry = (operation: DeliveryOperation, version: number, more: Partial<LaneEntry> = {}): LaneEntry => ({
  deliveryId: `${operation} ${version}`,
  version,
  patientKey: 'patient',
  operation,
  ...more
})
const attempted = (operation: DeliveryOperation, version: number) => ({ ...entry(operation, version), ended: true })

/** What a lane is told of a version: the same steps as in the transaction that accepts it. */
function tell(lane: LaneState, news: News, destination: Parameters<typeof planCollapse>[2] = LATEST): LaneState {
  const needless = planCollapse(news, lane, destination)
  const left = { ...lane, pending: lane.pending.filter((pending) => !needless.includes(pending)) }
  const operation = operationOf(left, news)
  if (operation === undefined) return left
  const { version, patientKey } = news
  return { ...left, pending: [...left.pending, entry(operation, version, { patientKey })] }
}

function operationOf(lane: LaneState, { place, version }: News): DeliveryOperation | undefined {
  if (place !== 'absent') return planPresence(place, lane, version)
  return isToldPresent(lane) ? 'delete' : undefined
}

const pendingOf = ({ pending }: LaneState) => pending.map(({ deliveryId }) => deliveryId)
const present = (version: number): News => ({ place: 'present', version, patientKey: 'patient' })
const absent = (version: number): News => ({ ...present(version), place: 'absent' })

t.test('two operations of which nothing was attempted come to one, or to none', (t) => {
  const never: LaneState = { pending: [] }
  const there: LaneState = { last: attempted('create', 1), pending: [] }
  const gone: LaneState = { last: attempted('delete', 1), pending: [] }
  for (const [from, first, second, expected] of [
    [never, present(2), present(3), ['create 3']],
    [never, present(2), absent(3), []],
    [there, present(2), present(3), ['update 3']],
    [there, present(2), absent(3), ['delete 3']],
    [there, absent(2), present(3), ['update 3']],
    [gone, present(2), present(3), ['reinstate 3']],
    [gone, present(2), absent(3), []]
  ] as const) {
    const before = tell(from, first)
    t.equal(before.pending.length, 1)
    t.same(pendingOf(tell(before, second)), expected, `${before.pending[0]!.operation} and ${second.place}`)
  }
  t.end()
})

t.test('a destination that is sent every version is sent every version', (t) => {
  const lane = tell(tell({ pending: [] }, present(1), {}), present(2), {})
  t.same(pendingOf(lane), ['create 1', 'update 2'])
  t.same(pendingOf(tell(lane, absent(3), { versions: 'every' })), ['create 1', 'update 2', 'delete 3'])
  t.end()
})

t.test('what was attempted is seen through, whether it arrived or not', (t) => {
  const held: LaneState = { last: { ...entry('create', 1), ended: false }, pending: [entry('update', 2)] }
  t.same(pendingOf(tell(held, present(3))), ['update 3'])
  t.same(pendingOf(tell(held, absent(3))), ['delete 3'])
  t.end()
})

t.test('whoever watches the patient that a record has left must hear that it is gone', (t) => {
  const other = { ...present(3), patientKey: 'other' }
  const leaving: LaneState = { last: attempted('create', 1), pending: [entry('delete', 2)] }
  const moved = tell(leaving, other)
  t.same(pendingOf(moved), ['delete 2', 'reinstate 3'])
  t.same(pendingOf(tell(moved, { ...other, version: 4 })), ['delete 2', 'reinstate 4'])

  const backAgain = tell(tell(moved, { ...other, place: 'absent', version: 4 }), present(5))
  t.same(pendingOf(backAgain), ['update 5'], 'moved back before anybody heard of it')
  t.end()
})

t.test('what the message of another record tells is not taken back', (t) => {
  const pending = [entry('delete', 1, { takeover: 'replaced', successorId: 'better' })]
  t.same(pendingOf(tell({ last: attempted('create', 1), pending }, present(2))), ['delete 1', 'reinstate 2'])
  t.end()
})

t.test('totals that may count a record already are told again when it goes', (t) => {
  const lane: LaneState = { pending: [entry('create', 1)] }
  const followsPatient = { ...LATEST, followsPatient: true }
  t.same(pendingOf(tell(lane, absent(2), followsPatient)), ['create 1', 'delete 2'])
  t.same(pendingOf(tell(lane, present(2), followsPatient)), ['create 2'])
  t.end()
})

t.test('nothing gives way where there is no news', (t) => {
  const upToDate: LaneState = { last: attempted('create', 1), pending: [entry('update', 2)] }
  t.same(planCollapse(present(2), upToDate, LATEST), [])
  const resent: LaneState = { last: attempted('update', 2), pending: [entry('update', 2), entry('delete', 2)] }
  t.same(planCollapse(present(2), resent, LATEST), [], 'what was asked for again is not given up')
  const kept: LaneState = { pending: [entry('create', 1)] }
  t.same(planCollapse({ ...present(2), place: 'kept' }, kept, LATEST), [], 'it counts, and would not be sent anew')
  t.end()
})

t.test('after any sequence the receiver has the last state, and was told nothing that it would refuse', (t) => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('write' as const), isDeleted: fc.boolean() }),
    fc.constant({ do: 'attempt' as const })
  )
  let told = 0
  let accepted = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let lane: LaneState = { pending: [] }
      let version = 0
      let holds: number | undefined
      let wasThere = false
      let now: number | undefined
      const attempt = (): void => {
        const [head, ...pending] = lane.pending
        if (head === undefined) return
        const isThere = holds !== undefined
        const mayBe = {
          create: !isThere && !wasThere,
          update: isThere,
          delete: isThere,
          reinstate: !isThere && wasThere
        }
        if (!mayBe[head.operation]) throw new Error(`${head.operation} would be refused`)
        wasThere = true
        holds = head.operation === 'delete' ? undefined : head.version
        lane = { last: { ...head, ended: true }, pending }
        told++
      }
      for (const played of steps) {
        if (played.do === 'attempt') attempt()
        else {
          // A deleted record is not deleted again.
          const isDeleted = played.isDeleted && now !== undefined
          version++
          accepted++
          now = isDeleted ? undefined : version
          lane = tell(lane, isDeleted ? absent(version) : present(version))
          if (lane.pending.length > 1) throw new Error('more than one waits')
        }
      }
      attempt()
      if (lane.pending.length > 0) throw new Error('something is left')
      if (holds !== now) throw new Error(`holds ${holds}, and it is ${now}`)
    }),
    { numRuns: 2_000 }
  )
  t.ok(told < accepted * 0.9, 'some of it was not sent', { told, accepted })
  t.end()
})
