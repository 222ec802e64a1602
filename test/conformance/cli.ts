// npm run conformance -- --base https://hub.example/FHIR/R4 --token …: the suite against a service that runs somewhere.
import { parseArgs } from 'node:util'
import { printScorecard, runSuite } from './run-suite.js'

const USAGE = `npm run conformance -- --base URL --token TOKEN [options]
  --base URL            FHIR base, as in http://127.0.0.1:8080/FHIR/R4
  --token TOKEN         of a supplier who may do everything with FLU and COVID
  --other-token TOKEN   of another supplier
  --reader-token TOKEN  of a client who may only read and search
  --ops-token TOKEN     of a client of the operations API
  --area NAME           one area: a file of test/conformance
  --row ID              one row, or those whose ids begin so
  --json                the results as JSON
Rows that need a token that is not given are left out. Exit code 0: all pass, 1: some fail, 2: usage.
It creates records of synthetic patients (NHS numbers of the 999 range): run it against a test system.
`

process.exitCode = await main()

async function main(): Promise<number> {
  let values
  try {
    values = parseArgs({
      options: {
        base: { type: 'string' },
        token: { type: 'string' },
        'other-token': { type: 'string' },
        'reader-token': { type: 'string' },
        'ops-token': { type: 'string' },
        area: { type: 'string' },
        row: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    }).values
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    return 2
  }
  if (values.help || values.base === undefined || !URL.canParse(values.base) || values.token === undefined) {
    process.stderr.write(USAGE)
    return values.help ? 0 : 2
  }
  const tokens = {
    main: values.token,
    ...(values['other-token'] === undefined ? {} : { other: values['other-token'] }),
    ...(values['reader-token'] === undefined ? {} : { reader: values['reader-token'] }),
    ...(values['ops-token'] === undefined ? {} : { ops: values['ops-token'] })
  }
  const results = await runSuite(
    { base: values.base.replace(/\/$/, ''), tokens },
    {
      ...(values.area === undefined ? {} : { area: values.area }),
      ...(values.row === undefined ? {} : { row: values.row })
    }
  )
  process.stdout.write(`${values.json ? JSON.stringify(results, null, 2) : printScorecard(results)}\n`)
  return results.some(({ verdict }) => verdict === 'failed') ? 1 : 0
}
