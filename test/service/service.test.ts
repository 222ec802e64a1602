// The built service as a process: what a newcomer, an operator and bad luck do to it.
import { mkdtempSync, rmSync, chmodSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { createDevelopmentIssuer } from '../../src/http/development-issuer.js'
import { startSandbox } from '../../src/sandbox/server.js'
import { sandboxDestinations } from '../../src/sandbox/destinations.js'
import { freePort } from '../support/free-port.js'
import { fluByPharmacy, readFixture } from '../support/ingest-rig.js'
import { startOwnRedis, redisLeftOut } from '../support/redis.js'
import { launchService, spawnService, type Service } from '../support/service.js'
import { createEmptyDatabase } from '../support/test-database.js'
import { waitFor } from '../support/wait-for.js'

interface Note {
  url: string
  token: string
  sandboxUrl: string
}

function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'imms-service-'))
  // PostgreSQL runs under another account when we are root, and must get through.
  chmodSync(folder, 0o755)
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

async function readNote(dataDir: string): Promise<Note> {
  return JSON.parse(await readFile(path.join(dataDir, 'service.json'), 'utf8')) as Note
}

async function post(url: string, token: string, resource: object): Promise<Response> {
  return fetch(`${url}/FHIR/R4/Immunization`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
    body: JSON.stringify(resource)
  })
}

async function getJson<Body>(url: string, token: string): Promise<Body> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  return (await answer.json()) as Body
}

interface Status {
  destinations: { destination: string; delivered: number; held: number }[]
}

/** Waits until every destination has been sent as many as given. */
async function waitForDelivered(url: string, token: string, counts: Record<string, number>): Promise<void> {
  await waitFor(
    async () => {
      const { destinations } = await getJson<Status>(`${url}/ops/status`, token)
      return Object.entries(counts).every(
        ([name, count]) => destinations.find(({ destination }) => destination === name)?.delivered === count
      )
    },
    `deliveries ${JSON.stringify(counts)}`,
    { withinMs: 30_000 }
  )
}

t.test('a newcomer starts it, posts, sees it arrive, and stops it', async (t) => {
  const dataDir = temporaryFolder(t)
  const service = await spawnService(t, { args: ['--dev', '--data-dir', dataDir] })
  const { token, sandboxUrl } = await readNote(dataDir)

  const answer = await post(service.url, token, readFixture('flu-pharmacy-older-adult.json'))

  t.equal(answer.status, 201)
  t.match(answer.headers.get('location'), /\/Immunization\/[0-9a-f-]{36}\/_history\/1$/)
  t.equal(answer.headers.get('etag'), 'W/"1"')
  await waitForDelivered(service.url, token, { 'nhs-immunisation-api': 1, 'gp-record': 1, 'eligibility-store': 1 })
  const journal = await getJson<{ entries: { destination: string }[] }>(`${sandboxUrl}/journal`, token)
  t.ok(JSON.stringify(journal).includes('nhs-immunisation-api'), 'the sandbox has seen it')
  t.match(service.output(), /curl -i http:\/\/127\.0\.0\.1:\d+\/FHIR\/R4\/Immunization/)
  t.equal((await fetch(`${service.url}/FHIR/R4/Immunization/x`)).status, 401, 'nothing is open without a token')
  t.same(await service.stop(), { code: 0, signal: null })
  t.notMatch(service.output(), /9990013675|Wren/, 'no patient data in the output')
})

t.test('acknowledged means committed: killed right after the 201, it has record and deliveries', async (t) => {
  const dataDir = temporaryFolder(t)
  const args = ['--dev', '--data-dir', dataDir]
  const first = await spawnService(t, { args })
  const { token } = await readNote(dataDir)
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => post(first.url, token, fluByPharmacy({ value: `kill-${n}` })))
  )
  await first.kill()
  t.ok(answers.every(({ status }) => status === 201))

  const second = await spawnService(t, { args })

  for (const answer of answers) {
    const { id } = (await answer.json()) as { id: string }
    const read = await fetch(`${second.url}/FHIR/R4/Immunization/${id}`, {
      headers: { authorization: `Bearer ${token}` }
    })
    t.equal(read.status, 200, 'the record is there')
  }
  await waitFor(
    async () => {
      const { destinations } = await getJson<Status>(`${second.url}/ops/status`, token)
      const sent = destinations.find(({ destination }) => destination === 'nhs-immunisation-api')
      return (sent?.delivered ?? 0) >= 1 && destinations.every(({ held }) => held === 0)
    },
    'the deliveries of the killed process',
    { withinMs: 60_000 }
  )
  t.same(await second.stop(), { code: 0, signal: null })
})

t.test('roles run alone, on a PostgreSQL of their own and on Redis, and Redis may go away for a while', async (t) => {
  const redis = await startOwnRedis(t)
  if (redis === undefined) {
    t.pass(redisLeftOut, { skip: redisLeftOut })
    return
  }
  const rig = await startRoles(t, { REDIS_URL: redis.url })
  t.equal((await post(rig.api.url, rig.token, fluByPharmacy({ value: 'r-1' }))).status, 201)
  await waitForDelivered(rig.api.url, rig.token, { 'nhs-immunisation-api': 1 })

  await redis.kill()
  const without = await post(rig.api.url, rig.token, fluByPharmacy({ value: 'r-2', nhsNumber: '9990016410' }))
  t.equal(without.status, 201, 'accepting goes on')
  const ready = await fetch(`${rig.api.url}/health/ready`)
  t.equal(ready.status, 200)
  await redis.restart()

  await waitForDelivered(rig.api.url, rig.token, { 'nhs-immunisation-api': 2 })
  for (const service of rig.services) t.same(await service.stop(), { code: 0, signal: null })
})

t.test('roles run alone on PostgreSQL only', async (t) => {
  const rig = await startRoles(t, {})
  t.equal((await post(rig.api.url, rig.token, fluByPharmacy())).status, 201)
  await waitForDelivered(rig.api.url, rig.token, { 'nhs-immunisation-api': 1, 'gp-record': 1 })
  for (const service of rig.services) t.same(await service.stop(), { code: 0, signal: null })
})

t.test('what keeps it from starting is said in one line', async (t) => {
  const dataDir = temporaryFolder(t)
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  t.teardown(() => taken.close())
  const port = String((taken.address() as { port: number }).port)
  const { url } = await createEmptyDatabase(t)
  const badDestinations = path.join(dataDir, 'destinations.yaml')
  writeFileSync(badDestinations, 'destinations:\n  - { name: gp, kind: fhir-rset }\n')
  const dead = `postgres://nobody@127.0.0.1:${await freePort()}/none`
  const cases: { env: Record<string, string>; args?: string[]; says: RegExp }[] = [
    { env: { DATABASE_URL: url }, says: /AUTH_ISSUER, AUTH_AUDIENCE and AUTH_JWKS_FILE.*--dev/ },
    { env: { DATABASE_URL: url, PORT: port }, args: ['--dev', '--data-dir', dataDir], says: /^PORT: another program/m },
    {
      env: { DATABASE_URL: url, DESTINATIONS_FILE: badDestinations },
      args: ['--dev', '--data-dir', dataDir],
      says: /destination "gp" has kind "fhir-rset"; known kinds: eligibility-store, gp-record, nhs-immunisation-api/
    },
    {
      env: { DATABASE_URL: dead },
      args: ['--dev', '--data-dir', dataDir],
      says: /^DATABASE_URL: PostgreSQL does not/m
    },
    { env: { HOST: '0.0.0.0' }, args: ['--dev', '--data-dir', dataDir], says: /HOST: "0\.0\.0\.0" is not a loopback/ },
    { env: { PORT: 'x', ROLES: 'cook' }, args: ['--dev'], says: /PORT: "x"[\s\S]*|ROLES: "cook"[\s\S]*PORT: "x"/ }
  ]
  for (const { env, args = [], says } of cases) {
    const refused = launchService(t, { env, args })
    t.equal((await refused.exited).code, 1)
    t.match(refused.output(), says)
    t.notMatch(refused.output(), /\n {4}at /, 'no stack trace')
  }
})

async function startRoles(
  t: Test,
  engine: Record<string, string>
): Promise<{ api: Service; services: Service[]; token: string }> {
  const folder = temporaryFolder(t)
  const { url } = await createEmptyDatabase(t)
  const sandbox = await startSandbox({ host: '127.0.0.1' })
  t.teardown(() => sandbox.close())
  const destinations = path.join(folder, 'destinations.yaml')
  writeFileSync(destinations, JSON.stringify({ destinations: sandboxDestinations(sandbox.url, sandbox.keys) }))
  const issuer = await createDevelopmentIssuer({ keyFile: path.join(folder, 'key.json'), now: () => new Date() })
  const jwks = path.join(folder, 'jwks.json')
  writeFileSync(jwks, JSON.stringify(issuer.jwks))
  const env = {
    DATABASE_URL: url,
    DESTINATIONS_FILE: destinations,
    AUTH_ISSUER: issuer.issuer,
    AUTH_AUDIENCE: issuer.audience,
    AUTH_JWKS_FILE: jwks,
    HOST: '127.0.0.1',
    ...engine
  }
  // All at once: the migrations are safe with concurrent starters.
  const roles = ['api', 'relay', 'relay', 'worker', 'worker']
  const services = await Promise.all(
    roles.map((role) =>
      spawnService(t, {
        env,
        args: ['--roles', role],
        ...(role === 'api' ? {} : { ready: /^(Immunisation Hub is running as .*)$/m })
      })
    )
  )
  const token = await issuer.issueToken({
    client: 'pharmacy',
    scopes: ['system/Immunization.cruds', 'ops/read'],
    permissions: ['*.CRUDS'],
    ttlSeconds: 600
  })
  return { api: services[0]!, services, token }
}
