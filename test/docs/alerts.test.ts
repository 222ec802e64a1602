// The alerts as Prometheus itself reads them: each fires when it should, and not when it should not.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'

interface RuleTests {
  tests: { name: string; alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
}

const folder = new URL('../../docs/prometheus/', import.meta.url)
const read = (name: string): unknown => parse(readFileSync(new URL(name, folder), 'utf8'))
const promtool = (...args: string[]) => spawnSync('promtool', args, { cwd: fileURLToPath(folder), encoding: 'utf8' })
const leftOut = promtool('--version').error === undefined ? false : 'left out: promtool is not on PATH'

t.test('every alert has a test in which it fires, and one in which it stays quiet', (t) => {
  const { groups } = read('alerts.yaml') as { groups: { rules: { alert: string }[] }[] }
  const tested = (read('alerts.test.yaml') as RuleTests).tests.flatMap(({ alert_rule_test: tests }) => tests)
  const namesOf = (fires: boolean) =>
    new Set(tested.filter(({ exp_alerts: fired }) => fired.length > 0 === fires).map(({ alertname }) => alertname))
  const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)).sort()
  t.same([...namesOf(true)].sort(), alerts)
  t.same([...namesOf(false)].sort(), alerts)
  t.end()
})

t.test('promtool finds the rules sound, and their tests pass', { skip: leftOut }, (t) => {
  const checked = promtool('check', 'rules', 'alerts.yaml')
  t.equal(checked.status, 0, `${checked.stdout}${checked.stderr}`)
  const tested = promtool('test', 'rules', 'alerts.test.yaml')
  t.equal(tested.status, 0, `${tested.stdout}${tested.stderr}`)
  t.end()
})
