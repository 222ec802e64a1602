// Whatever becomes of the records of one vaccination, and whenever a worker delivers in between: a receiver that is sent
// survivors ends up with the survivors in their current versions, and nothing else.
import fc from 'fast-check'
import t from 'tap'
import type { Wanting } from '../../src/delivery/plan-deliveries.js'
import { openReviewDesk } from '../review/open-reviews.js'
import { clientOf, createIngestRig, fluByPharmacy, type IngestRig } from '../support/ingest-rig.js'
import { createModelReceiver, type ModelReceiver } from '../support/model-receiver.js'
import { syntheticNhsNumber } from '../support/synthetic.js'

const wants: Wanting['wants'] = ({ facts }) => facts.status === 'completed'
const DESTINATIONS: Wanting[] = [
  { name: 'deletes', sends: 'survivors', wants },
  { name: 'replaces', sends: 'survivors', replaces: true, wants },
  { name: 'latest', sends: 'survivors', versions: 'latest', replaces: true, wants }
]
const RECORDS = 3

type Step =
  | {
      do: 'write'
      record: number
      primary: boolean
      site: boolean
      day: number
      status: 'completed' | 'entered-in-error'
    }
  | { do: 'delete'; record: number }
  | { do: 'decide'; record: number; choice: 'same' | 'distinct' }
  | { do: 'undo' }
  | { do: 'deliver'; count: number }
  | { do: 'claim' }
  | { do: 'finish' }

const record = fc.nat(RECORDS - 1)
/** Every record is there and has been told, where it counts. */
const BEGINNING: Step[] = [0, 1, 2].flatMap((record): Step[] => [
  { do: 'write', record, primary: record > 0, site: record > 1, day: 0, status: 'completed' },
  { do: 'deliver', count: 9 }
])
const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      record,
      primary: fc.boolean(),
      site: fc.boolean(),
      day: fc.constantFrom(0, 0, 0, 0, 0, 1),
      status: fc.constantFrom(
        'completed' as const,
        'completed' as const,
        'completed' as const,
        'entered-in-error' as const
      )
    })
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), record }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('decide' as const),
      record,
      choice: fc.constantFrom('same' as const, 'distinct' as const)
    })
  },
  { weight: 1, arbitrary: fc.constant({ do: 'undo' as const }) },
  { weight: 7, arbitrary: fc.record({ do: fc.constant('deliver' as const), count: fc.constantFrom(1, 2, 9) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'claim' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'finish' as const }) }
)

t.test('after any sequence a receiver of survivors holds the survivors', async (t) => {
  const rig = await createIngestRig(t, { destinations: DESTINATIONS })
  const receivers = DESTINATIONS.map(({ name }) => createModelReceiver(rig, name))
  let patient = 0

  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { minLength: 2, maxLength: 16, size: 'max' }), async (steps) => {
      const played = await createPlay(rig, syntheticNhsNumber(1_000 + patient++))
      const claimed = receivers.map(() => [] as Awaited<ReturnType<ModelReceiver['claim']>>)
      const finish = async (): Promise<void> => {
        for (const [index, receiver] of receivers.entries()) await receiver.finish(claimed[index]!.splice(0))
      }
      for (const step of [...BEGINNING, ...steps]) {
        if (step.do === 'deliver') for (const receiver of receivers) await receiver.drain(step.count)
        else if (step.do === 'claim')
          for (const [index, receiver] of receivers.entries()) claimed[index]!.push(...(await receiver.claim()))
        else if (step.do === 'finish') await finish()
        else await played(step)
      }
      await finish()
      for (const receiver of receivers) await receiver.drain()

      const open = await rig.rows(
        `select destination, operation, state from delivery where state not in ('delivered', 'superseded')`
      )
      const survivors = await rig.rows<{ id: string; version: number }>(
        `select record.record_id as id, current_version as version
           from event_group join record on record.record_id = survivor_record_id`
      )
      const expected = survivors.map(({ id, version }) => `${id} ${version}`).sort()
      for (const { holds } of receivers) {
        const held = [...holds].map(([id, version]) => `${id} ${version}`).sort()
        if (JSON.stringify(held) !== JSON.stringify(expected))
          throw new Error(`holds ${held.join(', ')}; survivors are ${expected.join(', ')}`)
      }
      if (open.length > 0) throw new Error(`left over: ${JSON.stringify(open)}`)
    }),
    { numRuns: 15 }
  )
  t.same(await rig.database.stores.deliveries.findHeadlessLanes(10), [])
  for (const { improper } of receivers) t.same(improper, [])
  const [happened] = await rig.rows<Record<'superseded' | 'withdrawn' | 'replaced' | 'brought_back', number>>(
    `select count(*) filter (where state = 'superseded')::integer as superseded,
            count(*) filter (where state = 'delivered' and takeover = 'withdrawn')::integer as withdrawn,
            count(*) filter (where state = 'delivered' and takeover = 'replaced')::integer as replaced,
            count(*) filter (where state = 'delivered' and operation = 'reinstate')::integer as brought_back
       from delivery`
  )
  t.comment(happened)
  for (const count of Object.values(happened!)) t.ok(count > 0, 'the sequences do not miss what this is about')
})

/** Plays steps on records of one patient: each has a system of its own, so that they are merged where they agree. */
async function createPlay(rig: IngestRig, nhsNumber: string): Promise<(step: Step) => Promise<void>> {
  const reviews = await openReviewDesk(rig, DESTINATIONS)
  const known = new Map<number, { id: string; version: number; deleted: boolean }>()
  const decisions: string[] = []

  async function write(step: Extract<Step, { do: 'write' }>): Promise<void> {
    const resource = fluByPharmacy({
      nhsNumber,
      value: `${nhsNumber}-${step.record}`,
      system: `https://system-${step.record}.example/id`,
      status: step.status,
      primarySource: step.primary,
      occurrenceDateTime: `2026-10-1${step.day * 5}T10:30:00+01:00`,
      recorded: '2026-10-16T10:30:00+01:00'
    })
    if (!step.site) delete resource.site
    const client = clientOf(`client-${step.record}`)
    const before = known.get(step.record)
    const verdict =
      before === undefined || before.deleted
        ? await rig.post(resource, client)
        : await rig.put(before.id, before.version, resource, client)
    if (verdict.record === undefined) {
      if (before === undefined || verdict.status !== 409) throw new Error(JSON.stringify(verdict.issues))
      return
    }
    known.set(step.record, { id: verdict.record.recordId, version: verdict.record.version, deleted: false })
  }

  return async (step) => {
    if (step.do === 'write') return write(step)
    if (step.do === 'undo') {
      const decisionId = decisions.pop()
      if (decisionId !== undefined) await reviews.undo(decisionId)
      return
    }
    if (step.do !== 'delete' && step.do !== 'decide') return
    const entry = known.get(step.record)
    if (entry === undefined) return
    if (step.do === 'delete') {
      if (entry.deleted) return
      const { record } = await rig.remove(entry.id, clientOf(`client-${step.record}`))
      known.set(step.record, { ...entry, version: record!.version, deleted: true })
      return
    }
    const decisionId = await reviews.decide(entry.id, step.choice)
    if (decisionId !== undefined) decisions.push(decisionId)
  }
}
