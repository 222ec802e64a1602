// The ready requests of docs/requests are answered as they say, by the service that `npm start` runs.
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { parseHttpFile, sendRequests, type HttpFile } from '../support/http-file.js'
import { readNote, temporaryFolder } from '../support/service-calls.js'
import { spawnService } from '../support/service.js'

interface Described {
  paths: Record<string, Record<string, { operationId?: string; responses?: Record<string, unknown> } | undefined>>
}

const folder = new URL('../../docs/requests/', import.meta.url)
const description = parse(readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')) as Described
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.http'))
  .map((name): [string, HttpFile] => [name, parseHttpFile(readFileSync(new URL(name, folder), 'utf8'))])

/** What openapi.yaml says of a request. */
function describedAt(method: string, url: string) {
  const path = new URL(url, 'http://127.0.0.1').pathname
  // A path without parameters comes before one with: /Immunization/_search is not the record _search.
  const templates = Object.keys(description.paths).sort((one, other) => one.split('{').length - other.split('{').length)
  const template = templates.find((known) => new RegExp(`^${patternOf(known)}$`).test(path))
  return description.paths[template ?? '']?.[method === 'HEAD' ? 'get' : method.toLowerCase()]
}

function patternOf(path: string): string {
  return path.replaceAll(/[$.]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+')
}

/** Asked for by nothing in the folder: they change what all others depend on, or say the same in another form. */
const WITHOUT_REQUEST = [
  'sendBundleWithSlash',
  'validateImmunizationChange',
  'searchProvenancesByForm',
  'searchAuditEventsByForm',
  'searchOperationDefinitionsByForm',
  'searchSearchParametersByForm',
  'readOperationDefinition',
  'readSearchParameter',
  'readSmartConfigurationAtRoot',
  'readLiveness',
  'readDocs',
  'readDocsFile',
  'skipDelivery',
  // It never ends.
  'streamAttempts',
  // For a browser, with its session.
  'createBoardTicket',
  'openBoard',
  'showBoard',
  'askBoard',
  // An NHS number in a URL is possible, and not shown.
  'getImmunizationStatus',
  'getForecast',
  'reloadProgrammes',
  'rehearseProgramme',
  'startReplay',
  'approveReplay',
  'pauseReplay',
  'resumeReplay',
  'rehearseWeights'
]

t.test('every ready request is answered as it says, with a status that openapi.yaml describes', async (t) => {
  const dataDir = temporaryFolder(t)
  const service = await spawnService(t, { args: ['--dev', '--data-dir', dataDir] })
  const { token } = await readNote(dataDir)
  const asked = new Set<string>()
  for (const [name, file] of files) {
    for (const { request, url, answer, text } of await sendRequests(file, { base: service.url, token })) {
      const what = `${name}, ${request.title}: ${request.method} ${url}`
      t.ok(request.expect.includes(answer.status), `${what}: ${answer.status} ${text.slice(0, 2000)}`)
      const described = describedAt(request.method, url)
      t.ok(described?.responses?.[answer.status] !== undefined, `${what}: ${answer.status} is described`)
      asked.add(described?.operationId ?? '')
    }
  }
  const operations = Object.values(description.paths).flatMap((item) =>
    Object.values(item).flatMap((operation) => operation?.operationId ?? [])
  )
  t.same(
    operations.filter((id) => !asked.has(id)).sort(),
    [...WITHOUT_REQUEST].sort(),
    'every interaction has its request'
  )
})

t.test('every file says where it goes, and holds no token', (t) => {
  t.ok(files.length > 25, 'they were all read')
  for (const [name, { variables, requests }] of files) {
    t.same(variables, { base: 'http://127.0.0.1:8080', token: 'paste the token here' }, name)
    t.ok(requests.length > 0, `${name} asks for something`)
    for (const { url, title } of requests) {
      t.match(url, /^\{\{(base|taken)[}.]/, title)
      t.notMatch(url, /\b999\d{7}\b/, `${title}: no NHS number in a URL`)
    }
  }
  t.end()
})

t.test('a file that cannot be run is told so', async (t) => {
  t.throws(() => parseHttpFile('### A\n# expect 200\n\n'), /A: there is no request line/)
  t.throws(() => parseHttpFile('### A\nGET http://127.0.0.1/\n'), /A: say "# expect" and the status/)
  const file = parseHttpFile('### A\n# expect 200\nGET {{base}}/\n')
  await t.rejects(sendRequests(file, {}), /\{\{base\}\} has no value/)
})
