// The built service as a process: what a newcomer does, and what a kill does.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { fluByPharmacy, readFixture } from '../support/ingest-rig.js'
import { getJson, post, readNote, temporaryFolder, waitForDelivered, type Status } from '../support/service-calls.js'
import { spawnService } from '../support/service.js'
import { waitFor } from '../support/wait-for.js'

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

t.test(
  'its database dies: submissions are answered 503 until it is back, and what was acknowledged is there',
  async (t) => {
    const dataDir = temporaryFolder(t)
    const service = await spawnService(t, { args: ['--dev', '--data-dir', dataDir] })
    const { token } = await readNote(dataDir)
    const before = await post(service.url, token, fluByPharmacy({ value: 'db-1' }))
    t.equal(before.status, 201)
    const [pid = ''] = readFileSync(path.join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')

    process.kill(Number(pid), 'SIGKILL')

    const statuses: number[] = []
    await waitFor(
      async () => {
        const answer = await post(service.url, token, fluByPharmacy({ value: 'db-2', nhsNumber: '9990016410' }))
        statuses.push(answer.status)
        if (answer.status === 503) t.ok(answer.headers.get('retry-after'), 'it says when to try again')
        return answer.status === 201 || answer.status === 200
      },
      'the database to be back',
      { withinMs: 30_000 }
    )
    t.ok(
      statuses.every((status) => [200, 201, 503].includes(status)),
      statuses.join(', ')
    )
    const { id } = (await before.json()) as { id: string }
    const read = await fetch(`${service.url}/FHIR/R4/Immunization/${id}`, {
      headers: { authorization: `Bearer ${token}` }
    })
    t.equal(read.status, 200)
    t.same(await service.stop(), { code: 0, signal: null })
  }
)
