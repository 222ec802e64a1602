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
    entries.map((entry) => ({ ...entry, sends: 'primary' as const, versions: 'every' as const })),
    kinds,
    syntheticServices()
  )
  t.teardown(() => Promise.all([...usual, ...told].map((destination) => destination.close())))

  t.same(
    usual.map(({ kind, sends, versions }) => [kind, sends, versions]),
    entries.map(({ kind }) => [kind, kinds.get(kind)?.defaults.sends, kinds.get(kind)?.defaults.versions])
  )
  t.same(
    usual
      .filter(({ versions }) => versions === 'latest')
      .map(({ kind }) => kind)
      .sort(),
    ['eligibility-store', 'gp-record', 'nhs-immunisation-api']
  )
  for (const destination of told) t.match(destination, { sends: 'primary', versions: 'every' })
})

t.test('what it sends is one of three words, which versions one of two', async (t) => {
  const file = path.join(t.testdir({}), 'destinations.yaml')
  const write = (sends: string, versions = 'latest') => {
    const setting = `sends: ${sends}\n    versions: ${versions}`
    writeFileSync(file, `destinations:\n  - name: nhs\n    kind: nhs-immunisation-api\n    ${setting}\n`)
  }

  write('all')
  t.match(await readDestinationsFile(file), [{ name: 'nhs', sends: 'all', versions: 'latest' }])
  write('all', 'newest')
  await t.rejects(readDestinationsFile(file), /destinations\/0\/versions .*\(every, latest\)/)
  write('best')
  await t.rejects(readDestinationsFile(file), /destinations\/0\/sends .*\(survivors, primary, all\)/)
})
