import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { Validator } from '@seriousme/openapi-schema-validator'
import ajvFormats from 'ajv-formats'
import type { Bundle, CapabilityStatement } from 'fhir/r4.js'
import t from 'tap'
import { parse } from 'yaml'
import type { AttemptFeed } from '../../src/delivery/attempt-feed.js'
import { SHAPING_PARAMETERS } from '../../src/history/plan-resource-search.js'
import { RESULT_PARAMETERS } from '../../src/history/result-parameters.js'
import { SEARCH_PARAMETERS } from '../../src/history/search-parameters.js'
import { opsRoutes, type OpsRoutesDeps } from '../../src/http/ops-routes.js'
import { openHub } from '../http/open-hub.js'

interface Operation {
  operationId: string
  summary?: string
  tags?: string[]
  security?: unknown[]
  parameters?: Parameter[]
  requestBody?: { content: Content }
  responses: Record<string, { content?: Content }>
}
interface Parameter {
  name: string
  in: string
}
type Content = Record<string, { schema?: object; example?: unknown; examples?: Record<string, { value: unknown }> }>
type PathItem = Partial<Record<Method, Operation>> & { parameters?: Parameter[] }
type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
const METHODS: readonly Method[] = ['get', 'post', 'put', 'patch', 'delete']

const text = readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')
const raw = parse(text) as { openapi: string; components: Record<string, Record<string, unknown>> }
const document = resolve(raw, []) as { paths: Record<string, PathItem> }
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  METHODS.flatMap((method) => {
    const operation = item[method]
    if (operation === undefined) return []
    return [{ path, method, operation, parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])] }]
  })
)
const ajv = new Ajv2020({ strict: false, allErrors: true })
ajvFormats.default(ajv)

/** The document with every reference followed. */
function resolve(node: unknown, followed: readonly string[]): unknown {
  if (Array.isArray(node)) return node.map((item) => resolve(item, followed))
  if (typeof node !== 'object' || node === null) return node
  if ('$ref' in node && typeof node.$ref === 'string') {
    const { $ref } = node
    if (followed.includes($ref)) throw new Error(`${$ref} refers to itself`)
    const target = $ref
      .slice(2)
      .split('/')
      .map((key) => key.replaceAll('~1', '/'))
      .reduce<unknown>((place, key) => (place as Record<string, unknown> | undefined)?.[key], raw)
    if (target === undefined) throw new Error(`${$ref} is not there`)
    return resolve(target, [...followed, $ref])
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, resolve(value, followed)]))
}

const NOW = new Date('2026-11-02T09:00:00Z')
// Registering reads none of these, and closing ends streams: the operations API is asked nothing in this test.
const hub = await openHub(t, () => NOW, {
  opsRoutes(app) {
    opsRoutes(app, { now: () => NOW, feed: { close: () => undefined } as AttemptFeed } as OpsRoutesDeps)
  }
})

t.test('every route is described and every description has its route', async (t) => {
  await hub.server.inject('/health/live')
  const routes = hub.server.routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
  t.same(described.sort(), routes.sort())
  for (const { method, path, access } of hub.server.routes) {
    const operation = document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase() as Method]
    t.equal(operation?.security?.length === 0, access === 'open', `${method} ${path} is ${access}`)
  }
})

t.test('the description holds together', (t) => {
  t.equal(raw.openapi, '3.1.0')
  const ids = operations.map(({ operation }) => operation.operationId)
  t.equal(new Set(ids).size, ids.length, 'operation ids are unique')
  for (const { path, method, operation, parameters } of operations) {
    const name = `${method} ${path}`
    t.ok(operation.summary && operation.tags?.length === 1, `${name} has a summary and a tag`)
    t.ok(
      Object.keys(operation.responses).some((status) => /^(2|303)/.test(status)),
      `${name} can succeed`
    )
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
    t.same(
      parameters.filter((one) => one.in === 'path').map((one) => one.name),
      inPath,
      `${name} names its path`
    )
  }
  for (const [kind, components] of Object.entries(raw.components))
    for (const component of Object.keys(components))
      if (kind !== 'securitySchemes')
        t.ok(text.includes(`'#/components/${kind}/${component}'`), `${kind}/${component} is used`)
  t.end()
})

t.test('the search parameters described are those served', (t) => {
  const search = operations.find(({ operation }) => operation.operationId === 'searchImmunizations')
  const described = search?.parameters.filter((one) => one.in === 'query').map((one) => one.name)
  const served = [...SEARCH_PARAMETERS, ...RESULT_PARAMETERS].map(({ name }) => name)
  t.same(described, [...served, '_cursor', '_format', '_pretty'])
  t.end()
})

t.test('the search parameters of the other resources described are those that /metadata declares', async (t) => {
  const { rest } = (await hub.server.inject('/FHIR/R4/metadata')).json<CapabilityStatement>()
  const others = (rest?.[0]?.resource ?? []).filter(
    ({ type, interaction = [] }) => type !== 'Immunization' && interaction.some(({ code }) => code === 'search-type')
  )
  t.equal(others.length, 6)
  for (const { type, searchParam = [] } of others) {
    const search = operations.find(({ path, method }) => path === `/FHIR/R4/${type}` && method === 'get')
    const described = search?.parameters.filter((one) => one.in === 'query').map((one) => one.name)
    const served = [...searchParam.map(({ name }) => name), ...SHAPING_PARAMETERS, '_cursor', '_format', '_pretty']
    t.same([...(described ?? [])].sort(), served.sort(), type)
  }
})

t.test('every example fits its schema', (t) => {
  for (const { path, method, operation } of operations) {
    const contents = [
      operation.requestBody?.content,
      ...Object.values(operation.responses).map(({ content }) => content)
    ]
    for (const content of contents)
      for (const { schema = {}, example, examples = {} } of Object.values(content ?? {})) {
        const validate = ajv.compile(schema)
        for (const [name, value] of [...namedExamples(examples), ['example', example] as const])
          if (value !== undefined)
            t.ok(validate(value), `${method} ${path}: ${name} ${JSON.stringify(validate.errors ?? '')}`)
      }
  }
  t.end()
})

t.test('it is OpenAPI 3.1, by a validator that nobody here wrote', async (t) => {
  const { valid, errors } = await new Validator().validate(parse(text) as Record<string, unknown>)
  t.ok(valid, JSON.stringify(errors))
  const broken = await new Validator().validate({
    ...(parse(text) as Record<string, unknown>),
    paths: { metadata: {} }
  })
  t.notOk(broken.valid, 'which finds faults')
})

t.test('every operation has an example of its body and of each answer', (t) => {
  for (const { path, method, operation } of operations) {
    if (operation.requestBody !== undefined) t.ok(hasExample(operation.requestBody.content), `${method} ${path}: body`)
    for (const [status, { content }] of Object.entries(operation.responses))
      t.ok(content === undefined || hasExample(content), `${method} ${path}: ${status}`)
  }
  t.end()
})

function namedExamples(examples: Record<string, { value: unknown }>): [string, unknown][] {
  return Object.entries(examples).map(([name, { value }]) => [name, value])
}

function hasExample(content: Content): boolean {
  return Object.values(content).some(({ example, examples }) => example !== undefined || examples !== undefined)
}

t.test('every rule that an example names is explained', (t) => {
  const named = new Set([...text.matchAll(/CodeSystem\/issue-rule\n\s+code: ([\w-]+)/g)].map(([, rule = '']) => rule))
  t.ok(named.size > 15)
  const explained = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8')
  for (const rule of named) t.ok(explained.includes(`\`${rule}\``), rule)
  t.end()
})

/** The examples of an operation's request body, or of one of its answers. */
function example(path: string, method: Method, name: string, status?: string): unknown {
  const operation = document.paths[path]?.[method]
  const content = status === undefined ? operation?.requestBody?.content : operation?.responses[status]?.content
  for (const { examples } of Object.values(content ?? {}))
    if (examples?.[name] !== undefined) return examples[name].value
  throw new Error(`${method} ${path} has no example ${name}`)
}

t.test('the examples do what they say against the service', async (t) => {
  const url = '/FHIR/R4/Immunization'
  const authorization = await hub.bearer({ permissions: ['FLU.CRUDS'] })
  const flu = example(url, 'post', 'flu') as object
  const send = (value: object) =>
    hub.server.inject({
      method: 'POST',
      url,
      headers: { authorization, 'content-type': 'application/fhir+json', prefer: 'return=OperationOutcome' },
      payload: JSON.stringify(value)
    })

  const created = await send(flu)
  t.equal(created.statusCode, 201, created.body)
  t.notOk(created.headers['x-issue-count'], `the example is answered without remarks: ${created.body}`)
  t.equal((await send(flu)).statusCode, 200, 'sent again')
  const patched = await hub.server.inject({
    method: 'PATCH',
    url: `${url}/${created.headers['location']?.toString().split('/').at(-3)}`,
    headers: { authorization, 'content-type': 'application/json-patch+json', 'if-match': 'W/"1"' },
    payload: JSON.stringify(example(`${url}/{id}`, 'patch', 'batch'))
  })
  t.match(patched.json<object>(), { lotNumber: 'AF3214C' })
  const nameless = Object.fromEntries(Object.entries(flu).filter(([name]) => name !== 'identifier'))
  const refused = await send(nameless)
  t.equal(refused.statusCode, 422)
  t.same(refused.json(), example(url, 'post', 'noIdentifier', '422'))

  const asked = await hub.server.inject({
    method: 'POST',
    url: `${url}/$validate`,
    headers: { authorization, 'content-type': 'application/fhir+json' },
    payload: JSON.stringify(example(`${url}/$validate`, 'post', 'incomplete'))
  })
  t.same(asked.json(), example(`${url}/$validate`, 'post', 'incomplete', '200'))

  const form = example(`${url}/_search`, 'post', 'history') as Record<string, string>
  const found = await hub.server.inject({
    method: 'POST',
    url: `${url}/_search`,
    headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(form).toString()
  })
  t.match(found.json<Bundle>(), { total: 1, entry: [{ resource: { lotNumber: 'AF3214C' } }] })
  const wide = await hub.server.inject({ url: `${url}?status=completed`, headers: { authorization } })
  t.same(wide.json(), example(url, 'get', 'nothingNamed', '400'))

  const bundle = await hub.server.inject({
    method: 'POST',
    url: '/FHIR/R4',
    headers: {
      authorization: await hub.bearer({ permissions: ['FLU.C', 'COVID.C'] }),
      'content-type': 'application/fhir+json'
    },
    payload: JSON.stringify(example('/FHIR/R4', 'post', 'covidAndFlu'))
  })
  t.same(
    bundle.json<Bundle>().entry?.map(({ response }) => response?.status),
    ['201 Created', '201 Created', '200 OK', '200 OK', '200 OK', '200 OK', '200 OK']
  )

  t.same((await hub.server.inject('/health/live')).json(), example('/health/live', 'get', 'live', '200'))
  t.same((await hub.server.inject('/health/ready')).json(), example('/health/ready', 'get', 'ready', '200'))
  t.equal((await hub.server.inject('/openapi.yaml')).body, text)
  t.same(hub.faults, [])
})
