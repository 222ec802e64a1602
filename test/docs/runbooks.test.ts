// Alerts and runbooks are true: each alert has its page and back, every metric is exported, every command exists.
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { createFleetMetrics } from '../../src/fleet-metrics.js'
import { createDatabase } from '../../src/storage/database.js'
import { helpOf } from '../support/cli-help.js'
import { createTestDatabase } from '../support/test-database.js'

interface Alert {
  alert: string
  expr: string
  for: string
  labels: { severity: string }
  annotations: { summary: string; runbook: string }
}

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const { groups } = parse(read('docs/prometheus/alerts.yaml')) as { groups: { rules: Alert[] }[] }
const alerts = groups.flatMap(({ rules }) => rules)
const pages = readdirSync(new URL('docs/runbooks/', root)).filter((name) => name !== 'README.md')

t.test('every alert has its runbook, and every runbook its alert', (t) => {
  t.ok(alerts.length > 20)
  t.same(alerts.map(({ alert }) => `${alert}.md`).sort(), pages.sort())
  const index = read('docs/runbooks/README.md')
  for (const { alert, annotations, labels, expr } of alerts) {
    t.equal(annotations.runbook, `docs/runbooks/${alert}.md`)
    t.ok(['page', 'warning'].includes(labels.severity), alert)
    t.ok(annotations.summary.length > 20, alert)
    t.match(index, `[${alert}](${alert}.md)`)
    const page = read(annotations.runbook)
    t.ok(page.replace(/\s+/g, ' ').includes(`\`${expr}\``), `${alert}: the page repeats the expression`)
    for (const title of ['What it means', 'What to type', 'What to do', 'Whom to call'])
      t.match(page, `\n## ${title}\n`)
  }
  t.end()
})

t.test('every metric that an alert names is exported', async (t) => {
  const { pool } = await createTestDatabase(t)
  const text = await createFleetMetrics({
    database: createDatabase(pool),
    queues: { engine: 'postgres', isReady: () => true }
  })()
  const exported = new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name))
  for (const { alert, expr } of alerts) {
    const named = expr.match(/imms_\w+/g) ?? []
    t.ok(named.length > 0, alert)
    for (const name of named) t.ok(exported.has(name.replace(/_bucket$/, '')), `${alert}: ${name}`)
  }
})

t.test('every command of a runbook exists, with its options', async (t) => {
  const helps = new Map<string, string>()
  for (const page of pages) {
    const commands = [...read(`docs/runbooks/${page}`).matchAll(/(?:^|`)(imms [^`\n]+)/gm)].map(([, line = '']) => line)
    t.ok(commands.length > 0, page)
    for (const line of commands) {
      const words = /^imms ((?:[a-z]+ ?)+)/.exec(line)?.[1]?.trim().split(' ') ?? []
      const command = words.slice(0, 2)
      const help = helps.get(command.join(' ')) ?? (await helpOf(command))
      helps.set(command.join(' '), help)
      t.match(help, `Usage: imms ${command.join(' ')} `, `${page}: ${line}`)
      for (const [option] of line.matchAll(/--[a-z]+/g))
        t.ok(help.includes(`${option} `) || help.includes(`${option}\n`), `${page}: ${line}: ${option}`)
    }
  }
})
