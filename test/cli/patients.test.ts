import t from 'tap'
import type { Test } from 'tap'
import { fluByPharmacy, openIngest } from '../support/ingest-rig.js'
import { syntheticNhsNumber } from '../support/synthetic.js'
import { createRunner, openOps } from './open-ops.js'

const [OLD, NEW] = [syntheticNhsNumber(41), syntheticNhsNumber(42)]
const REASON = ['--reason', 'PDS replaced the number']

async function openPatients(t: Test) {
  const ops = await openOps(t)
  const rig = await openIngest(t, ops.pool, ops.database)
  await rig.post(fluByPharmacy({ value: 'A', nhsNumber: OLD }))
  await rig.post(fluByPharmacy({ value: 'B', nhsNumber: NEW }))
  const url = await ops.server.listen({ host: '127.0.0.1', port: 0 })
  const bearer = await ops.bearer({ client: 'night-desk', scopes: ['ops/read', 'ops/write'], permissions: [] })
  const merged = async () =>
    (await ops.pool.query('select patient_key from patient where merged_into is not null')).rowCount
  return { imms: createRunner({ url, token: bearer.replace('Bearer ', '') }), merged }
}

t.test('merge says what would change, asks for the count, and tells how to undo it', async (t) => {
  const { imms, merged } = await openPatients(t)

  const dry = await imms(['patients', 'merge', OLD, NEW, '--dry-run'])
  t.equal(dry.code, 0)
  t.match(dry.stdout, /^1 record would change patients\.\nVaccinations: 2 now, 2 then/)
  t.equal(await merged(), 0, 'a dry run changes nothing')

  t.equal((await imms(['patients', 'merge', OLD, NEW])).code, 2, 'a reason is needed')
  const wrong = await imms(['patients', 'merge', OLD, NEW, ...REASON], { typed: '5\n' })
  t.equal(wrong.code, 3)
  const unasked = await imms(['patients', 'merge', OLD, NEW, ...REASON])
  t.equal(unasked.code, 3)
  t.match(unasked.stderr, /--confirm 1/)
  t.equal(await merged(), 0)

  const done = await imms(['patients', 'merge', OLD, NEW, ...REASON], { typed: '1\n' })
  t.equal(done.code, 0)
  const [, id = ''] = /imms patients unmerge (\S+)/.exec(done.stdout) ?? []
  t.equal(await merged(), 1)

  const shown = await imms(['patients', 'show', OLD])
  t.match(shown.stdout, /merged into patient/)
  t.match(shown.stdout, '2 records, 2 vaccinations')
  t.match(shown.stdout, `imms patients unmerge ${id}`)

  const undone = await imms(['patients', 'unmerge', id, ...REASON, '--confirm', '1', '--json'])
  t.equal(undone.code, 0)
  t.match(JSON.parse(undone.stdout), { plan: { records: 1 }, done: { mergeId: id, records: 1 } })
  t.equal(await merged(), 0)
  t.match((await imms(['patients', 'show', OLD])).stdout, /undone by night-desk/)
  for (const { stdout, stderr } of [dry, wrong, unasked, done, shown, undone])
    t.notOk(`${stdout}${stderr}`.includes(OLD), 'a number that was typed is not printed')
})

t.test('what cannot be merged ends with the reason and an exit code', async (t) => {
  const { imms } = await openPatients(t)

  const invalid = await imms(['patients', 'merge', '9990000019', NEW, '--dry-run'])
  t.equal(invalid.code, 2)
  t.match(invalid.stderr, /check digit/)
  t.equal((await imms(['patients', 'merge', OLD, OLD, '--dry-run'])).code, 2)
  t.equal((await imms(['patients', 'show', syntheticNhsNumber(43)])).code, 2)
  t.equal((await imms(['patients', 'unmerge', 'nonsense', '--dry-run'])).code, 2)
  await imms(['patients', 'merge', OLD, NEW, ...REASON, '--confirm', '1'])
  t.equal((await imms(['patients', 'merge', NEW, OLD, '--dry-run'])).code, 3, 'a circle')
})
