// npm run chaos [-- --minutes 10 --seed 1 --engine redis --api 2 --relay 2 --worker 3 --profile full|quick|deploy --control no-lanes]
// Exit code 1 when anything was lost, out of order or sent too often. The seed gives the same plan of faults again.
import { parseArgs } from 'node:util'
import { runCampaign } from './campaign.js'
import { CONTROLS } from './controls.js'
import { DEPLOY, FULL, QUICK } from './profiles.js'
import { printReport, writeReport } from './report.js'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    engine: { type: 'string', default: 'redis' },
    api: { type: 'string', default: '2' },
    relay: { type: 'string', default: '2' },
    worker: { type: 'string', default: '3' },
    profile: { type: 'string', default: 'full' },
    control: { type: 'string' }
  }
})
const { engine } = values
const profile = [FULL, QUICK, DEPLOY].find(({ name }) => name === values.profile) ?? FULL
const control = CONTROLS.find((name) => name === values.control)
if ((engine !== 'redis' && engine !== 'postgres') || (values.control !== undefined && control === undefined)) {
  process.stderr.write(`--engine is redis or postgres, --control is ${CONTROLS.join(' or ')}\n`)
  process.exit(2)
}

const report = await runCampaign({
  seed: Number(values.seed),
  durationMs: Number(values.minutes) * 60_000,
  engine,
  counts: { api: Number(values.api), relay: Number(values.relay), worker: Number(values.worker) },
  profile,
  ...(control === undefined ? {} : { control }),
  onProgress(line) {
    process.stdout.write(`${line}\n`)
  }
})
printReport(report)
// A control is no result, nor is a campaign that leaves most faults out.
if (control === undefined && profile === FULL) writeReport(report)
process.exitCode = report.violations.length === 0 ? 0 : 1
