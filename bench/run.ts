// npm run bench [-- <name>…]: every bench is a file in this folder that exports `bench`; without a name all of them run.
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'

const NOT_BENCHES = new Set(['run.ts', 'statistics.ts', 'load.ts', 'bare-loop.ts', 'hub.ts'])

export interface Bench {
  describe: string
  run(options: BenchOptions): Promise<void>
}

export interface BenchOptions {
  /** Folder where npm installed what a bench compares with. */
  peers?: string
  /** How many lives the simulation lives, and the seed of its chance. */
  patients?: string
  seed?: string
}

const known = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.ts') && !NOT_BENCHES.has(file))
  .map((file) => file.slice(0, -3))
const { values: options, positionals: wanted } = parseArgs({
  options: { peers: { type: 'string' }, patients: { type: 'string' }, seed: { type: 'string' } },
  allowPositionals: true
})
const unknown = wanted.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`no bench is called ${unknown.join(', ')}; known are ${known.join(', ')}\n`)
  process.exit(2)
}
for (const name of wanted.length > 0 ? wanted : known) {
  const { bench } = (await import(`./${name}.ts`)) as { bench: Bench }
  process.stdout.write(`${name}: ${bench.describe}\n`)
  await bench.run(options)
}
