// One fresh process that makes a validator of the built service and judges with it; prints what that took. Started by
// start-up.ts with the path of a resource. Plain JavaScript, so that no loader is measured.
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { URL } from 'node:url'

const text = readFileSync(process.argv[2], 'utf8')
const cpuSeconds = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6
const megabytes = () => process.memoryUsage.rss() / 2 ** 20
const before = { cpuSeconds: cpuSeconds(), megabytes: megabytes(), ms: performance.now() }

const { PACKAGE_ROOT, readFolder } = await import('../../dist/catalogues.js')
const { readCatalogue } = await import('../../dist/validation/definitions/catalogue.js')
const { createValidator } = await import('../../dist/validation/validator.js')
const folders = ['r4', 'uk-core', 'terminology'].map((name) => new URL(`profiles/${name}/`, PACKAGE_ROOT))
const files = await Promise.all(folders.map((folder) => readFolder(folder, ['.json'])))
const validator = createValidator(readCatalogue(files.flat()))
if (!validator.isValid(JSON.parse(text))) throw new Error('the resource ought to be valid')
const started = {
  cpuSeconds: cpuSeconds() - before.cpuSeconds,
  ms: performance.now() - before.ms,
  megabytes: megabytes() - before.megabytes
}

for (let n = 0; n < 50_000; n++) validator.validate(JSON.parse(text))
process.stdout.write(JSON.stringify({ ...started, megabytesAfterMany: megabytes() - before.megabytes }))
