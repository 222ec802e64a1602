// Every role in processes of its own, two relays and two workers among them.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { createDevelopmentIssuer } from '../../src/http/development-issuer.js'
import { developmentDestinations } from '../../src/sandbox/destinations.js'
import { startSandbox } from '../../src/sandbox/server.js'
import { fluByPharmacy } from '../support/ingest-rig.js'
import { redisLeftOut, startOwnRedis } from '../support/redis.js'
import { post, temporaryFolder, waitForDelivered } from '../support/service-calls.js'
import { spawnService, type Service } from '../support/service.js'
import { createEmptyDatabase } from '../support/test-database.js'

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

async function startRoles(
  t: Test,
  engine: Record<string, string>
): Promise<{ api: Service; services: Service[]; token: string }> {
  const folder = temporaryFolder(t)
  const { url } = await createEmptyDatabase(t)
  const sandbox = await startSandbox({ host: '127.0.0.1' })
  t.teardown(() => sandbox.close())
  const destinations = path.join(folder, 'destinations.yaml')
  writeFileSync(destinations, JSON.stringify({ destinations: developmentDestinations(sandbox.url, sandbox.keys) }))
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
