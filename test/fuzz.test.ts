// No input gives a 500, and no answer or log line tells what is inside.
import t from 'tap'
import { fuzz } from './fuzz/fuzz.js'
import { fluByPharmacy } from './support/ingest-rig.js'
import { startHub } from './support/running-hub.js'
import { post } from './support/service-calls.js'

t.test('two thousand requests at random are answered or refused, never with a fault of ours', async (t) => {
  const hub = await startHub(t)
  const token = await hub.token({ scopes: ['system/*.cruds'], permissions: ['*.CRUDS'] })
  const created = await Promise.all(
    ['fuzz-1', 'fuzz-2', 'fuzz-3'].map((value) => post(hub.url, token, fluByPharmacy({ value })))
  )
  const ids = await Promise.all(created.map(async (answer) => ((await answer.json()) as { id: string }).id))

  const fault = await fuzz({ base: hub.base, token, ids }, { requests: 2000, seed: 20261122 })

  t.equal(fault, undefined)
  t.notMatch(hub.logged(), /\b999\d{7}\b|Wren|Saltmarsh/, 'nothing about a patient in the log')
  t.notMatch(hub.logged(), /"level":50/, 'nothing that a person must look at')
})
