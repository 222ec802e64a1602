// npm run fuzz -- --base https://hub.example/FHIR/R4 --token …: requests at random against a service that runs somewhere.
import { parseArgs } from 'node:util'
import { baseResource } from '../conformance/bodies.js'
import { send } from '../conformance/send.js'
import { startVariables } from '../conformance/variables.js'
import { fuzz } from './fuzz.js'

const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    token: { type: 'string' },
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) }
  }
})
if (values.base === undefined || values.token === undefined) {
  process.stderr.write('npm run fuzz -- --base URL --token TOKEN [--requests 100000] [--seed NUMBER]\n')
  process.exitCode = 2
} else {
  const { base, token } = { base: values.base, token: values.token }
  const target = { base, token, ids: [await createRecord(base, token)] }
  const fault = await fuzz(target, { requests: Number(values.requests), seed: Number(values.seed) })
  process.stdout.write(`${fault ?? `${values.requests} requests, seed ${values.seed}: no fault`}\n`)
  process.exitCode = fault === undefined ? 0 : 1
}

async function createRecord(base: string, token: string): Promise<string> {
  const { origin, pathname } = new URL(base)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' }
  const body = Buffer.from(JSON.stringify(baseResource('flu', startVariables(base, {}))))
  const { bytes } = await send(origin, { method: 'POST', target: `${pathname}/Immunization`, headers, body })
  return (JSON.parse(bytes.toString()) as { id?: string }).id ?? 'none'
}
