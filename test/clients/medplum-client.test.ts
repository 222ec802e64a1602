// MedplumClient as it comes, against a running service.
import { MedplumClient } from '@medplum/core'
import type { Bundle, Immunization } from 'fhir/r4.js'
import t from 'tap'
import { failureOf, openForClient, threeRecords } from './seeds.js'

t.test('MedplumClient creates, reads, updates, searches, pages and reads the history', async (t) => {
  const { url, bearer } = await openForClient(t)
  const client = new MedplumClient({ baseUrl: `${url}/`, fhirUrlPath: 'FHIR/R4/', accessToken: bearer, cacheTime: 0 })

  const created = []
  for (const record of threeRecords())
    created.push(await client.createResource({ ...record, resourceType: 'Immunization' }))
  const [first] = created
  const id = first?.id ?? ''
  t.equal(first?.meta?.versionId, '1')
  t.same(await client.readResource('Immunization', id), first)

  const headers = { 'If-Match': 'W/"1"' }
  const changed = { ...first!, lotNumber: 'AF0000B' }
  t.match(await client.updateResource(changed, { headers }), { id, lotNumber: 'AF0000B', meta: { versionId: '2' } })
  const stale = client.updateResource({ ...changed, lotNumber: 'AF1111B' }, { headers })
  t.match(await failureOf(stale), { outcome: { issue: [{ code: 'conflict' }] } })

  const ids = created.map((record) => record.id)
  const found: (string | undefined)[] = []
  const query = { _id: ids.join(','), _count: '1', _sort: 'date' }
  for await (const page of client.searchResourcePages('Immunization', query)) {
    t.equal(page.length, 1)
    found.push(...page.map((record: Immunization) => record.id))
  }
  t.same(found, ids, 'each record once, in order')

  const history: Bundle = await client.readHistory('Immunization', id)
  t.same(
    history.entry?.map(({ resource }) => resource?.meta?.versionId),
    ['2', '1']
  )
  await client.deleteResource('Immunization', id)
  t.match(await failureOf(client.readResource('Immunization', id)), { outcome: { issue: [{ code: 'deleted' }] } })
})
