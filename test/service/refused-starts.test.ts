// What keeps the service from starting is said in one line that says what to do.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import t from 'tap'
import { freePort } from '../support/free-port.js'
import { temporaryFolder } from '../support/service-calls.js'
import { launchService } from '../support/service.js'
import { createEmptyDatabase } from '../support/test-database.js'

t.test('what keeps it from starting is said in one line', async (t) => {
  const dataDir = temporaryFolder(t)
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  t.teardown(() => taken.close())
  const port = String((taken.address() as { port: number }).port)
  const { url } = await createEmptyDatabase(t)
  const badDestinations = path.join(dataDir, 'destinations.yaml')
  writeFileSync(badDestinations, 'destinations:\n  - { name: gp, kind: fhir-rset }\n')
  const noDestinations = path.join(dataDir, 'none.yaml')
  writeFileSync(noDestinations, 'destinations: []\n')
  const dead = `postgres://nobody@127.0.0.1:${await freePort()}/none`
  const cases: { env: Record<string, string>; args?: string[]; says: RegExp }[] = [
    { env: { DATABASE_URL: url }, says: /AUTH_ISSUER, AUTH_AUDIENCE and AUTH_JWKS_FILE.*--dev/ },
    { env: { DATABASE_URL: url, PORT: port }, args: ['--dev', '--data-dir', dataDir], says: /^PORT: another program/m },
    {
      env: { DATABASE_URL: url, DESTINATIONS_FILE: badDestinations },
      args: ['--dev', '--data-dir', dataDir],
      says: /destination "gp" has kind "fhir-rset"; known kinds: eligibility-store, .*nhs-immunisation-api/
    },
    {
      env: { DATABASE_URL: url, DESTINATIONS_FILE: noDestinations, TERMINOLOGY_URL: 'sandbox' },
      args: ['--dev', '--data-dir', dataDir],
      says: /^TERMINOLOGY_URL: there is no sandbox where DESTINATIONS_FILE is set/m
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
