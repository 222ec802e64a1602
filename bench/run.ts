// npm run bench [-- <name>…]: every bench is a file in this folder that exports `bench`; without a name all of them run.
import { readdirSync } from 'node:fs'

const NOT_BENCHES = new Set(['run.ts', 'statistics.ts', 'load.ts', 'bare-loop.ts', 'hub.ts'])

export interface Bench {
  describe: string
  run(): Promise<void>
}

const known = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.ts') && !NOT_BENCHES.has(file))
  .map((file) => file.slice(0, -3))
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`no bench is called ${unknown.join(', ')}; known are ${known.join(', ')}\n`)
  process.exit(2)
}
for (const name of wanted.length > 0 ? wanted : known) {
  const { bench } = (await import(`./${name}.ts`)) as { bench: Bench }
  process.stdout.write(`${name}: ${bench.describe}\n`)
  await bench.run()
}
