import t from 'tap'
import { countEvents } from '../../src/dedup/count-events.js'

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((groupId, index) => ({ groupId, day: `2026-10-0${index + 1}` })) as [
  { groupId: string; day: string },
  { groupId: string; day: string },
  { groupId: string; day: string },
  { groupId: string; day: string }
]

t.test('every event group is a vaccination', (t) => {
  t.same(countEvents([C, A], []), ['2026-10-01', '2026-10-03'])
  t.same(countEvents([], []), [])
  t.end()
})

t.test('what may be one vaccination is one, on the latest day, also through others', (t) => {
  t.same(
    countEvents(
      [A, B, C, D],
      [
        ['a', 'b'],
        ['c', 'b']
      ]
    ),
    ['2026-10-03', '2026-10-04']
  )
  t.same(
    countEvents(
      [A, B],
      [
        ['b', 'a'],
        ['a', 'b'],
        ['a', 'a']
      ]
    ),
    ['2026-10-02']
  )
  t.end()
})

t.test('a group that does not count connects nothing', (t) => {
  t.same(
    countEvents(
      [A, C],
      [
        ['a', 'b'],
        ['b', 'c']
      ]
    ),
    ['2026-10-01', '2026-10-03']
  )
  t.end()
})
