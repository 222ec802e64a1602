// fhirclient, the SMART client for JavaScript, as it comes, against a running service.
import { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import type { Bundle, Immunization } from 'fhir/r4.js'
import t from 'tap'
import { failureOf, openForClient, threeRecords } from './seeds.js'

/** What is used of it: its own types bring those of browsers into the whole tree. */
interface SmartClient {
  create<Body>(resource: object): Promise<Body>
  request<Body>(url: string, options?: { pageLimit: number; flat: boolean }): Promise<Body>
  update<Body>(resource: object, options: { headers: Record<string, string> }): Promise<Body>
  delete(url: string): Promise<unknown>
  getFhirVersion(): Promise<string>
}
const FHIR = createRequire(import.meta.url)('fhirclient') as (
  request: IncomingMessage,
  response: ServerResponse
) => { client(state: object): SmartClient }

t.test('fhirclient creates, reads, updates, searches, pages and reads the history', async (t) => {
  const { base, bearer } = await openForClient(t)
  const request = new IncomingMessage(new Socket())
  const client = FHIR(request, new ServerResponse(request)).client({
    serverUrl: base,
    tokenResponse: { access_token: bearer }
  })

  const created: Immunization[] = []
  for (const record of threeRecords()) created.push(await client.create<Immunization>(record))
  const [first] = created
  const id = first?.id ?? ''
  t.equal(first?.meta?.versionId, '1')
  t.same(await client.request<Immunization>(`Immunization/${id}`), first)

  const headers = { 'if-match': 'W/"1"' }
  const changed = { ...first, lotNumber: 'AF0000B' }
  t.match(await client.update<Immunization>(changed, { headers }), {
    id,
    lotNumber: 'AF0000B',
    meta: { versionId: '2' }
  })
  const stale = client.update({ ...first, lotNumber: 'AF1111B' }, { headers })
  t.match(await failureOf(stale), { status: 412 })

  const ids = created.map((record) => record.id ?? '')
  const found = await client.request<Immunization[]>(`Immunization?_id=${ids.join(',')}&_count=1&_sort=date`, {
    pageLimit: 0,
    flat: true
  })
  t.same(
    found.map((record) => record.id),
    ids,
    'each record once, in order'
  )

  const history = await client.request<Bundle>(`Immunization/${id}/_history`)
  t.same(
    history.entry?.map(({ resource }) => resource?.meta?.versionId),
    ['2', '1']
  )
  await client.delete(`Immunization/${id}`)
  t.match(await failureOf(client.request(`Immunization/${id}`)), { status: 410 })
  t.equal(await client.getFhirVersion(), '4.0.1')
})
