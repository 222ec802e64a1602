// The built service with a terminology server: the one the sandbox plays.
import t from 'tap'
import type { OperationOutcome } from 'fhir/r4.js'
import type { ExplainAnswer, Wire } from '../../src/http/ops-answers.js'
import { fluByPharmacy } from '../support/ingest-rig.js'
import { spawnService } from '../support/service.js'
import { getJson, post, readNote, temporaryFolder } from '../support/service-calls.js'
import { createTestDatabase } from '../support/test-database.js'
import { waitFor } from '../support/wait-for.js'

t.test('what the terminology server says of a code reaches explain and $validate', async (t) => {
  const { url: databaseUrl } = await createTestDatabase(t)
  const dataDir = temporaryFolder(t)
  const env = { DATABASE_URL: databaseUrl, TERMINOLOGY_URL: 'sandbox' }
  const service = await spawnService(t, { args: ['--dev', '--data-dir', dataDir], env })
  const { token, sandboxUrl } = await readNote(dataDir)
  const record = fluByPharmacy()
  const outside = [record.vaccineCode.coding?.[0]?.code]
  await fetch(`${sandboxUrl}/codes`, { method: 'PUT', body: JSON.stringify({ outside }) })

  const posted = await post(service.url, token, record)
  const recordId = /Immunization\/([^/]+)/.exec(posted.headers.get('location') ?? '')?.[1] ?? ''
  const rule = 'profile-terminology-code'
  const told = await waitFor(async () => {
    const path = `${service.url}/ops/records/${recordId}/explain`
    const { versions } = await getJson<Wire<ExplainAnswer>>(path, token)
    return versions[0]?.remarks.find((remark) => remark.rule === rule)
  }, 'the answer to be told')
  const validated = await getJson<OperationOutcome>(`${service.url}/FHIR/R4/Immunization/${recordId}/$validate`, token)

  t.equal(posted.status, 201)
  t.match(told, { said: 'afterwards', severity: 'information' })
  t.match(
    validated.issue.find(({ details }) => details?.coding?.[0]?.code === rule),
    { severity: 'information', expression: ['Immunization.vaccineCode.coding[0]'] }
  )
  t.same(await service.stop(), { code: 0, signal: null })
})
