// Every row of the conformance suite against a running service on a database of its own.
import t from 'tap'
import { printScorecard, runSuite } from './conformance/run-suite.js'
import { startHub } from './support/running-hub.js'

const hub = await startHub(t)
const tokens = {
  main: await hub.token({ scopes: ['system/*.cruds'], permissions: ['*.CRUDS'] }),
  other: await hub.token({ client: 'lantern-maternity', scopes: ['system/*.cruds'], permissions: ['RSV.CRUDS'] }),
  reader: await hub.token({ client: 'gp-viewer', scopes: ['system/*.rs'], permissions: ['FLU.RS', 'COVID.RS'] }),
  ops: await hub.token({ client: 'operator', scopes: ['ops/read'], permissions: [] })
}

const results = await runSuite({ base: hub.base, tokens })
t.comment(printScorecard(results))
for (const { id, area, statement, verdict, faults } of results)
  t.equal(verdict, 'passed', `${area} ${id}: ${statement}`, { faults })

t.notMatch(hub.logged(), /\b999\d{7}\b/, 'no NHS number in the log')
t.notMatch(hub.logged(), /"level":50/, 'nothing that a person must look at')
