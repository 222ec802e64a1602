// fhir-kit-client as it comes, against a running service.
import { Client, type FhirResource } from 'fhir-kit-client'
import type { Bundle, Immunization } from 'fhir/r4.js'
import t from 'tap'
import { failureOf, openForClient, threeRecords } from './seeds.js'

type Page = FhirResource & Bundle & { link: { relation: string; url: string }[] }

t.test('fhir-kit-client creates, reads, updates, searches, pages and reads the history', async (t) => {
  const { base, bearer } = await openForClient(t)
  const client = new Client({ baseUrl: base, bearerToken: bearer })
  const resourceType = 'Immunization'

  const created: Immunization[] = []
  for (const body of threeRecords())
    created.push((await client.create({ resourceType, body: { ...body } })) as FhirResource & Immunization)
  const [first] = created
  const id = first?.id ?? ''
  t.equal(first?.meta?.versionId, '1')
  t.same(await client.read({ resourceType, id }), first)

  const headers = { 'If-Match': 'W/"1"' }
  const changed = { ...first, resourceType, lotNumber: 'AF0000B' }
  const updated = (await client.update({ resourceType, id, body: changed, options: { headers } })) as FhirResource &
    Immunization
  t.match(updated, { id, lotNumber: 'AF0000B', meta: { versionId: '2' } })
  const stale = client.update({ resourceType, id, body: { ...changed, lotNumber: 'AF1111B' }, options: { headers } })
  t.match(await failureOf(stale), { response: { status: 412 } })

  const ids = created.map((record) => record.id ?? '')
  const searchParams = { _id: ids.join(','), _count: 1, _sort: 'date' }
  const found: (string | undefined)[] = []
  let page: Page | undefined = (await client.search({ resourceType, searchParams })) as Page
  while (page !== undefined) {
    found.push(...(page.entry ?? []).map(({ resource }) => resource?.id))
    page = (await client.nextPage({ bundle: page })) as Page | undefined
  }
  t.same(found, ids, 'each record once, in order')

  const history = (await client.history({ resourceType, id })) as FhirResource & Bundle
  t.equal(history.total, 2)
  t.same(
    history.entry?.map(({ resource }) => resource?.meta?.versionId),
    ['2', '1']
  )
  t.same(await client.vread({ resourceType, id, version: '1' }), first)
  const statement = await client.capabilityStatement()
  t.equal(statement.resourceType, 'CapabilityStatement')
})
