// The races in short, over HTTP against two processes of the service on one database; the long run is npm run race.
import t from 'tap'
import { readNote, temporaryFolder } from '../support/service-calls.js'
import { spawnService } from '../support/service.js'
import { createEmptyDatabase } from '../support/test-database.js'
import { RACES } from './races.js'
import { runRaces } from './run-races.js'

t.test('64 writers at once, on two processes, lose nothing, double nothing and break nothing', async (t) => {
  const { url } = await createEmptyDatabase(t)
  const start = async () => {
    const dataDir = temporaryFolder(t)
    const args = ['--dev', '--data-dir', dataDir, '--roles', 'api']
    await spawnService(t, { args, env: { DATABASE_URL: url, LOG_LEVEL: 'warn' } })
    return readNote(dataDir)
  }
  const targets = await Promise.all([start(), start()])

  const results = await runRaces({ targets, rounds: Object.keys(RACES).length * 2, writers: 64 })

  for (const { race, rounds, anomalies } of results) {
    t.equal(rounds, 2, race)
    t.same(anomalies, [], race)
  }
})
