// Every example of a request body in openapi.yaml is sent to the service that `npm start` runs.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { post, readNote, temporaryFolder } from '../support/service-calls.js'
import { spawnService } from '../support/service.js'

interface Body {
  operationId: string
  method: string
  path: string
  type: string
  name: string
  value: unknown
  described: string[]
}
interface Media {
  example?: unknown
  examples?: Record<string, unknown>
}
interface Operation {
  operationId: string
  requestBody?: unknown
  responses: Record<string, unknown>
}

const document = parse(readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>
}

/** What is referred to, as it stands in the document. */
function follow<Node>(node: unknown): Node {
  if (typeof node !== 'object' || node === null || !('$ref' in node)) return node as Node
  const keys = String(node.$ref).slice(2).split('/')
  return follow(
    keys.reduce<unknown>((place, key) => (place as Record<string, unknown>)[key.replaceAll('~1', '/')], document)
  )
}

function bodiesOf([path, item]: [string, Record<string, Operation>]): Body[] {
  return Object.entries(item).flatMap(([method, { operationId, requestBody, responses }]) => {
    if (requestBody === undefined) return []
    const { content } = follow<{ content: Record<string, Media> }>(requestBody)
    return Object.entries(content).flatMap(([type, { example, examples = {} }]) => {
      const values = Object.entries(examples).map(([name, one]): [string, unknown] => [
        name,
        follow<{ value: unknown }>(one).value
      ])
      if (example !== undefined) values.push(['example', example])
      const described = Object.keys(responses)
      return values.map(([name, value]) => ({ operationId, method, path, type, name, value, described }))
    })
  })
}

const bodies = Object.entries(document.paths).flatMap(bodiesOf)

/** A record of the examples; it takes the place of the id in an example. */
const FLU = bodies.find(({ operationId }) => operationId === 'createImmunization')?.value as {
  identifier: { system: string; value: string }[]
}
const EXAMPLE_ID = (bodies.find(({ operationId }) => operationId === 'updateImmunization')?.value as { id: string }).id

/** Those that ask for something that a new service has not: it says so, as it is described. */
const NOT_THERE: Readonly<Record<string, number>> = {
  skipDelivery: 404,
  // Nothing holds the destination back.
  probeDestination: 409,
  settleInbox: 404,
  findPatient: 404,
  mergePatients: 412,
  planUnmerge: 404,
  unmergePatients: 404,
  rehearseProgramme: 422,
  rehearseWeights: 422,
  decideDuplicate: 404,
  undoDecision: 404,
  startReplay: 404,
  approveReplay: 404,
  pauseReplay: 404,
  resumeReplay: 404,
  cancelReplay: 404
}

t.test('every example of a body is answered as its operation describes', async (t) => {
  t.ok(bodies.length > 20, 'they were all read')
  const dataDir = temporaryFolder(t)
  const service = await spawnService(t, { args: ['--dev', '--data-dir', dataDir] })
  const { token } = await readNote(dataDir)
  const identifier = `${FLU.identifier[0]?.system ?? ''}|${FLU.identifier[0]?.value ?? ''}`
  for (const { operationId, method, path, type, name, value, described } of bodies) {
    // Each finds the record as the example of a create leaves it.
    const { id, etag } = await freshRecord(service.url, token)
    const where = path.replace('{name}', 'gp-record').replace('{id}', id)
    const query =
      path === '/FHIR/R4/Immunization' && method !== 'post' ? `?${new URLSearchParams({ identifier }).toString()}` : ''
    const conditional = method === 'put' || method === 'patch'
    const answer = await fetch(`${service.url}${where}${query}`, {
      method: method.toUpperCase(),
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': type,
        ...(conditional ? { 'if-match': etag } : {})
      },
      body: (type.endsWith('json')
        ? JSON.stringify(value)
        : String(new URLSearchParams(value as object as Record<string, string>))
      ).replaceAll(EXAMPLE_ID, id)
    })
    const what = `${operationId} ${name}: ${answer.status} ${(await answer.text()).slice(0, 1000)}`
    t.ok(described.includes(String(answer.status)), `${what} is described`)
    const expected = NOT_THERE[operationId]
    if (expected === undefined) t.ok(answer.ok, what)
    else t.equal(answer.status, expected, what)
  }
})

/** The example of a create, as it was sent; what an earlier example made of it is put right again. */
async function freshRecord(url: string, token: string): Promise<{ id: string; etag: string }> {
  const created = await post(url, token, FLU)
  if (created.ok) return { id: ((await created.json()) as { id: string }).id, etag: created.headers.get('etag') ?? '' }
  const { system = '', value = '' } = FLU.identifier[0] ?? {}
  const query = new URLSearchParams({ identifier: `${system}|${value}` })
  const mended = await fetch(`${url}/FHIR/R4/Immunization?${query.toString()}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
    body: JSON.stringify(FLU)
  })
  return { id: ((await mended.json()) as { id: string }).id, etag: mended.headers.get('etag') ?? '' }
}
