// docs/failures.md is true: the tests, alerts and faults it names exist, and every fault of a campaign is told.
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { CLOCK_FAULT } from '../chaos/clocks.js'
import { nameFault, planFaults } from '../chaos/plan-faults.js'
import { DEPLOY, FULL, QUICK } from '../chaos/profiles.js'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/failures.md', root), 'utf8')
const rows = page.split('\n').filter((line) => line.startsWith('|'))

t.test('every fault of a campaign is in the table, and every one in the table is inflicted', (t) => {
  const inflicted = new Set([CLOCK_FAULT])
  for (const engine of ['redis', 'postgres'] as const)
    for (const profile of [FULL, QUICK, DEPLOY]) {
      const counts = { api: 2, relay: 2, worker: 3 }
      // A day: each kind comes before any comes again, with every choice it has.
      for (const { fault } of planFaults({ seed: 1, durationMs: 86_400_000, engine, counts, profile }))
        inflicted.add(nameFault(fault))
    }
  const told = new Set([...page.matchAll(/`chaos: ([^`…]+)`/g)].map(([, name = '']) => name))
  t.same([...told].sort(), [...inflicted].sort())
  t.end()
})

t.test('every test that is named exists, under that name', (t) => {
  const named = [...page.matchAll(/`(test\/[\w/-]+\.test\.ts)`(?:: _([^_]+)_)?/g)]
  t.ok(named.length > 40)
  for (const [, file = '', name] of named) {
    const url = new URL(file, root)
    if (!existsSync(url)) t.fail(`${file} is not there`)
    else if (name !== undefined) t.ok(readFileSync(url, 'utf8').includes(name), `${file}: ${name}`)
  }
  t.end()
})

t.test('every alert that is named exists, and every row says what shows it', (t) => {
  const alerts = readFileSync(new URL('docs/prometheus/alerts.yaml', root), 'utf8')
  for (const [, name = ''] of page.matchAll(/\[(Imms\w+)\]/g)) t.match(alerts, `alert: ${name}\n`)
  for (const row of rows.slice(2)) {
    const cells = row.split('|').slice(1, -1)
    t.equal(cells.length, 5, row)
    t.match(cells[4], /`(chaos: |test\/)/, row)
  }
  t.end()
})
