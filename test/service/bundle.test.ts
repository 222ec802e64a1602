// Bundles that are answered later, and a process that is killed while it works on them.
import type { Bundle } from 'fhir/r4.js'
import t from 'tap'
import { readNote, temporaryFolder, waitForDelivered } from '../support/service-calls.js'
import { spawnService } from '../support/service.js'
import { syntheticImmunization } from '../support/synthetic.js'
import { waitFor } from '../support/wait-for.js'

const ENTRIES = 60

function bundleOf(type: 'batch' | 'transaction', from: number): object {
  const entry = Array.from({ length: ENTRIES }, (_, n) => ({
    resource: syntheticImmunization({ n: from + n, vaccineType: 'FLU' }),
    request: { method: 'POST', url: 'Immunization' }
  }))
  return { resourceType: 'Bundle', type, entry }
}

t.test('killed while it works on Bundles: both are finished after the restart, nothing is done twice', async (t) => {
  const dataDir = temporaryFolder(t)
  const args = ['--dev', '--data-dir', dataDir]
  const first = await spawnService(t, { args })
  const { token } = await readNote(dataDir)
  const authorization = `Bearer ${token}`
  const kick = async (bundle: object): Promise<string> => {
    const answer = await fetch(`${first.url}/FHIR/R4`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/fhir+json', prefer: 'respond-async' },
      body: JSON.stringify(bundle)
    })
    t.equal(answer.status, 202)
    return new URL(answer.headers.get('content-location') ?? '').pathname
  }
  const batch = await kick(bundleOf('batch', 0))
  const transaction = await kick(bundleOf('transaction', ENTRIES))
  await waitFor(async () => {
    const answer = await fetch(first.url + batch, { headers: { authorization } })
    return answer.status === 200 || !answer.headers.get('x-progress')?.startsWith('0 ')
  }, 'the batch to be under way')
  await first.kill()

  const second = await spawnService(t, { args })

  for (const path of [batch, transaction]) {
    const done = await waitFor(
      async () => {
        const answer = await fetch(second.url + path, { headers: { authorization } })
        return answer.status === 202 ? undefined : ((await answer.json()) as Bundle)
      },
      'the answer',
      { withinMs: 120_000 }
    )
    t.equal(done.entry?.length, ENTRIES)
    t.ok(
      done.entry?.every(
        ({ response }) => response?.status === '201 Created' && /_history\/1$/.test(response.location ?? '')
      ),
      JSON.stringify(done.entry?.map(({ response }) => response?.status))
    )
  }
  await waitForDelivered(second.url, token, { 'nhs-immunisation-api': 2 * ENTRIES })
  t.same(await second.stop(), { code: 0, signal: null })
})
