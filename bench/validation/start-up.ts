// What a fresh process pays for a validator, up to and with its first verdict.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface StartUp {
  cpuSeconds: number
  ms: number
  /** Growth of the resident set. */
  megabytes: number
  /** The same once 50,000 resources were parsed and judged. */
  megabytesAfterMany: number
}

export function measureStartUp(resource: URL): StartUp {
  const script = fileURLToPath(new URL('start-up.mjs', import.meta.url))
  const output = execFileSync(process.execPath, [script, fileURLToPath(resource)], { encoding: 'utf8' })
  return JSON.parse(output) as StartUp
}
