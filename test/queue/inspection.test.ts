// What is asked of a queue engine beside its jobs: how it is, and whether it holds anything of a patient.
import { Redis } from 'ioredis'
import t from 'tap'
import { createTestLog } from '../support/delivery-rig.js'
import { openQueues } from '../support/delivery-queues.js'
import { forEachQueueEngine } from '../support/queue-engine.js'
import { waitFor } from '../support/wait-for.js'
import { holdsNhsNumber, withoutDigits } from '../../src/queue/nhs-number-scan.js'
import { checkDigit } from '../../src/fhir/nhs-number.js'
import { checkEngine } from '../../src/delivery/judge-engine.js'

const NUMBER = `999000123${checkDigit('999000123') ?? ''}`
const ID = '019ad6f0-0000-7000-8d01-999000123400'

t.test('an NHS number is found however it is written, and ids and moments are none', (t) => {
  for (const text of [NUMBER, `x ${NUMBER}.`, `{"n":"${NUMBER}"}`, NUMBER.replace(/(...)(...)(....)/, '$1 $2 $3')])
    t.ok(holdsNhsNumber(text), text)
  for (const text of [ID, `["${ID}"]`, '1764288000123', `${NUMBER}7`, '9990001230', `a${NUMBER}`])
    t.notOk(holdsNhsNumber(text), text)
  t.equal(withoutDigits(`{dlv:x}:${NUMBER}`), '{dlv:x}:#')
  t.end()
})

t.test('a queue in use holds no NHS number, and one that is put there is found', async (t) => {
  await forEachQueueEngine(t, async (t, engine) => {
    const queues = await openQueues(t, engine, ['gp-record'], createTestLog())
    await waitFor(() => queues.isReady(), 'the queue to be ready')
    await queues.ring('gp-record', [ID, crypto.randomUUID()], 1)
    t.same(await queues.findNhsNumbers(10), [])

    await queues.ring('gp-record', [NUMBER], 1)
    const found = await queues.findNhsNumbers(10)

    t.equal(found.length, 1)
    t.notMatch(found.join(), NUMBER)
    t.match(await queues.readVitals(), { isUp: true })
    if (engine.kind === 'postgres') return
    const redis = new Redis(engine.url)
    t.teardown(() => {
      redis.disconnect()
    })
    await redis.hset('{dlv:gp-record}:other', 'field', `of ${NUMBER}`)
    await redis.set('somebody-else', NUMBER)
    t.equal((await queues.findNhsNumbers(10)).length, 2, 'what is not ours is not looked at')
    t.match(await queues.readVitals(), { policy: 'noeviction', isAppendOnly: true, lastWriteOk: true })
  })
})

t.test('the doctor knows a Redis that is away, evicts, is full, forgets, or is another one', (t) => {
  const sound = {
    isUp: true,
    version: '7.2.4',
    memoryBytes: 1_000_000,
    memoryLimitBytes: 0,
    policy: 'noeviction',
    isAppendOnly: true,
    lastWriteOk: true
  }
  const epoch = '019ad6f0-0000-7000-8000-000000000001'
  const check = (vitals: object, mark = epoch) =>
    checkEngine({ engine: 'redis', vitals: { ...sound, ...vitals }, epoch: mark, known: { engine: 'redis', epoch } })
      .filter(({ state }) => state === 'trouble')
      .map(({ what }) => what)

  t.same(check({}), [])
  t.same(check({ isUp: false }), ['queue'])
  t.same(check({ policy: 'allkeys-lru' }), ['queue policy'])
  t.same(check({ memoryLimitBytes: 1_050_000 }), ['queue memory'])
  t.same(check({ isAppendOnly: false }), ['queue persistence'])
  t.same(check({ lastWriteOk: false }), ['queue persistence'])
  t.same(check({}, 'another'), ['queue epoch'])
  t.same(
    checkEngine({ engine: 'postgres', vitals: { isUp: true }, epoch: undefined, known: undefined }).map(
      ({ state }) => state
    ),
    ['ok']
  )
  t.end()
})
