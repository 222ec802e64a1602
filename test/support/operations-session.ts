// A night with two troubles, played on a development service and its sandbox: each answer leads to the next command.
// docs/operations.md holds what it printed; scripts/record-session.ts writes it there, and a test
// plays it again.
import { hostname } from 'node:os'
import { Writable, PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { createCli } from '../../src/cli/create-cli.js'
import type { DeliveriesAnswer, StatusAnswer, Wire } from '../../src/http/ops-answers.js'
import { createProgrammeFiles } from '../../src/programme-files.js'
import { loadRules } from '../../src/rules.js'
import { fluByPharmacy } from './ingest-rig.js'
import { syntheticNhsNumber } from './synthetic.js'

export interface SessionStage {
  /** Of a development service that has delivered nothing yet. */
  url: string
  sandboxUrl: string
  token: string
}

export interface RecordedCommand {
  /** Why this one, in a sentence. */
  why: string
  argv: string[]
  output: string
  exitCode: number
}

const GP = 'gp-record'
const NHS = 'nhs-immunisation-api'
const BEFORE = 3
const AT_NIGHT = 6

type Status = Wire<StatusAnswer>
type Line = Status['destinations'][number]

const PATIENCE_MS = 90_000

/** @throws Error when the service does not come to where the story goes on */
export async function playSession(stage: SessionStage): Promise<RecordedCommand[]> {
  const told: RecordedCommand[] = []
  const run = async (why: string, ...argv: string[]): Promise<string> => {
    const { exitCode, output } = await runCli(stage, argv)
    told.push({ why, argv, output, exitCode })
    return output
  }
  let posted = 0
  const post = async (count: number): Promise<string[]> => {
    const records: string[] = []
    for (let place = 0; place < count; place++) records.push(await postRecord(stage, ++posted))
    return records
  }

  await post(BEFORE)
  await until(stage, 'everything to be delivered', (status) => status.destinations.every(isIdle))
  await control(stage, GP, 'refuse')
  await control(stage, NHS, 'down')
  const records = await post(AT_NIGHT)
  await until(stage, 'two troubles', (status) => lineOf(status, GP).held >= 3 && lineOf(status, NHS).breaker === 'open')
  await until(
    stage,
    'the GP system to have refused all',
    (status) => lineOf(status, GP).due + lineOf(status, GP).queued === 0
  )

  await run('What is wrong? The worst destination stands first.', 'status')
  await run('What do they say? Errors that differ only in ids are one line.', 'errors', 'top')
  await run('Is it us? What the service stands on, line by line.', 'doctor')
  const record = (await findHeld(stage, records)) ?? ''
  const story = await run('Where is one of these records, and why?', 'explain', record)
  const held = /imms deliveries show (\S+)/.exec(story)?.[1] ?? ''
  await run('What was tried, and what was answered?', 'deliveries', 'show', held)
  await run(
    'The GP supplier knows the fault and mends it. Until then nothing more is sent there.',
    ...['destination', 'pause', GP, '--reason', 'INC-7: the workflow is not registered']
  )
  await run(
    'The national API says that it works on it for an hour: nobody needs to knock every minute.',
    ...['destination', 'breaker', NHS, 'open', '--for', '1h', '--reason', 'INC-8: they work on it']
  )

  await control(stage, GP, 'up')
  await control(stage, NHS, 'up')
  await post(1)
  await run(
    'Both say that they are back. One delivery goes to see.',
    'destination',
    'probe',
    GP,
    '--reason',
    'INC-7: mended?'
  )
  await run('The receiver takes it, so everything may go.', 'destination', 'resume', GP, '--reason', 'INC-7 is mended')
  await run('And the other one?', 'destination', 'probe', NHS, '--reason', 'INC-8: back?')
  await until(stage, 'the national API to catch up', (status) => isIdle(lineOf(status, NHS)))
  const count = String(lineOf(await readStatus(stage), GP).held)
  const started = await run(
    'What waited goes by itself. What was refused is sent again by a person, who types how many.',
    ...['replay', '--destination', GP, '--since', '1h', '--start', '--confirm', count, '--reason', 'INC-7 is mended']
  )
  const replay = /replay watch (\S+)/.exec(started)?.[1] ?? ''
  await run('Did they arrive?', 'replay', 'watch', replay)
  await until(stage, 'everything to be delivered', (status) => status.destinations.every(isIdle))
  await run('Is anything lost? Every promise is looked at, and the receivers are asked.', 'verify', '--since', '1h')
  await run('Is it over?', 'status')
  await run('Who did what, and why?', 'audit', 'list', '--action', 'destination')
  return told
}

/** As it stands in the documentation: ids and moments are this run's. */
export function writeSession(told: readonly RecordedCommand[]): string {
  const blocks = told.map(({ why, argv, output, exitCode }) => {
    const code = exitCode === 0 ? '' : `\n(exit code ${exitCode})`
    return `${why}\n\n\`\`\`\n${commandLine(argv)}\n${output.trimEnd()}${code}\n\`\`\``
  })
  return blocks.join('\n\n')
}

export function commandLine(argv: readonly string[]): string {
  return `$ npx imms ${argv.map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(' ')}`
}

async function runCli(stage: SessionStage, argv: readonly string[]): Promise<{ exitCode: number; output: string }> {
  let output = ''
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      output += chunk.toString()
      done()
    }
  })
  const exitCode = await createCli({
    settings: { url: stage.url, token: stage.token, colour: false },
    validate: () => [],
    readProfiles: () => Promise.reject(new Error('not in this story')),
    programmes: createProgrammeFiles({}, loadRules),
    issueToken: () => Promise.reject(new Error('not in this story')),
    stdout: stream,
    stderr: stream,
    stdin: new PassThrough(),
    now: () => new Date(),
    wait: (ms) => delay(ms),
    watch: () => Promise.resolve(false)
  }).run(argv)
  return { exitCode, output: withoutMachine(output) }
}

/** Names of processes hold the name of the machine. */
function withoutMachine(output: string): string {
  return output.replaceAll(new RegExp(`${hostname().replace(/[^\w]/g, '\\$&')}/\\d+`, 'g'), 'hub/4711')
}

async function postRecord({ url, token }: SessionStage, place: number): Promise<string> {
  const answer = await fetch(`${url}/FHIR/R4/Immunization`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
    body: JSON.stringify(fluByPharmacy({ value: `night-${place}`, nhsNumber: syntheticNhsNumber(place) }))
  })
  const recordId = /Immunization\/([^/]+)/.exec(answer.headers.get('location') ?? '')?.[1]
  if (recordId === undefined) throw new Error(`the record was answered ${answer.status}: ${await answer.text()}`)
  return recordId
}

async function control({ sandboxUrl }: SessionStage, receiver: string, mode: string): Promise<void> {
  const answer = await fetch(`${sandboxUrl}/control/${receiver}`, { method: 'PUT', body: JSON.stringify({ mode }) })
  if (!answer.ok) throw new Error(`the sandbox answered ${answer.status}: ${await answer.text()}`)
}

async function read<Answer>({ url, token }: SessionStage, path: string): Promise<Wire<Answer>> {
  const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
  return (await answer.json()) as Wire<Answer>
}

const readStatus = (stage: SessionStage): Promise<Status> => read<StatusAnswer>(stage, '/ops/status')

/** One of the records that the GP system refused. */
async function findHeld(stage: SessionStage, records: readonly string[]): Promise<string | undefined> {
  const { deliveries } = await read<DeliveriesAnswer>(stage, `/ops/deliveries?state=held&destination=${GP}`)
  return deliveries.find(({ recordId }) => records.includes(recordId))?.recordId
}

function lineOf(status: Status, name: string): Line {
  const line = status.destinations.find(({ destination }) => destination === name)
  if (line === undefined) throw new Error(`${name} is not known to the service`)
  return line
}

/** Nothing but what a person must look at is left. */
function isIdle({ due, retrying, blocked, queued, inFlight, verify }: Line): boolean {
  return due + retrying + blocked + queued + inFlight + verify === 0
}

async function until(stage: SessionStage, what: string, isSo: (status: Status) => boolean): Promise<void> {
  const givenUpAt = performance.now() + PATIENCE_MS
  for (;;) {
    const status = await readStatus(stage)
    if (status.destinations.length > 0 && isSo(status)) return
    if (performance.now() > givenUpAt) throw new Error(`waited for ${what}; it is ${JSON.stringify(status, null, 1)}`)
    await delay(100)
  }
}
