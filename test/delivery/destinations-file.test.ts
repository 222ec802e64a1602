// destinations.yaml: what every destination may be given, whatever its kind.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { createDestinations, loadDestinationKinds, readDestinationsFile } from '../../src/destinations.js'
import { createSandboxKeys } from '../../src/sandbox/keys.js'
import { sandboxDestinations } from '../../src/sandbox/destinations.js'
import { syntheticServices } from './synthetic.js'

const kinds = await loadDestinationKinds()
const entries = sandboxDestinations('http://127.0.0.1:1', createSandboxKeys())

t.test('each destination sends what its kind does unless it says otherwise', async (t) => {
  const usual = createDestinations(entries, kinds, syntheticServices())
  const told = createDestinations(
    entries.map((entry) => ({ ...entry, sends: 'primary' as const })),
    kinds,
    syntheticServices()
  )
  t.teardown(() => Promise.all([...usual, ...told].map((destination) => destination.close())))

  t.same(
    usual.map(({ kind, sends }) => [kind, sends]),
    entries.map(({ kind }) => [kind, kinds.get(kind)?.defaults.sends])
  )
  for (const { sends } of told) t.equal(sends, 'primary')
})

t.test('what it sends is one of three words', async (t) => {
  const file = path.join(t.testdir({}), 'destinations.yaml')
  const write = (sends: string) => {
    writeFileSync(file, `destinations:\n  - name: nhs\n    kind: nhs-immunisation-api\n    sends: ${sends}\n`)
  }

  write('all')
  t.match(await readDestinationsFile(file), [{ name: 'nhs', sends: 'all' }])
  write('best')
  await t.rejects(readDestinationsFile(file), /destinations\/0\/sends .*\(survivors, primary, all\)/)
})
