// The scenes of the demo: what each actor does, what comes back, and whether it is what was promised.
import { readdir, readFile } from 'node:fs/promises'
import type { Bundle, Immunization, OperationOutcome } from 'fhir/r4.js'
import { PACKAGE_ROOT } from './catalogues.js'
import { findPatient } from './fhir/immunization.js'

export interface Stage {
  url: string
  sandboxUrl: string
  tokenOf(client: string): string
  opsToken: string
  /** Runs the command line tool, printing what it prints. Gives the exit code. */
  imms(...argv: string[]): Promise<number>
  say(text: string): void
}

interface Answer {
  name: string
  status: number
  rules: string[]
  isWarned: boolean
  texts: string[]
}

interface DestinationCounts {
  destination: string
  held: number
  delivered: number
  waiting: number
}

const FIXTURES = new URL('fixtures/immunization/', PACKAGE_ROOT)
/** A second report of these comes from a GP system that copied what the pharmacy sent. */
const PATIENT_OF_HISTORY = 'flu-pharmacy-older-adult.json'

/** Plays all scenes. Gives how many promises were missed; 0 is a good demo. */
export async function runScenes(stage: Stage): Promise<number> {
  const promises = createPromises(stage)
  const valid = await listFixtures('valid/')
  const trouble = valid.filter((name) => /^(covid|rsv|mmr)/.test(name))
  const calm = valid.filter((name) => !trouble.includes(name))

  heading(stage, '1. Suppliers post Immunizations')
  const accepted = await postAll(stage, 'valid/', calm)
  promises.expect(
    'every sound record is accepted',
    accepted.every(({ status }) => status === 201)
  )

  heading(stage, '2. Faulty ones are refused, every fault at once')
  const refused = await postAll(stage, 'invalid/', await listFixtures('invalid/'))
  for (const answer of refused) stage.say(`  ${answer.status} ${answer.name}: ${answer.rules.join(', ')}`)
  const several = refused.find(({ name }) => name.startsWith('several-faults'))
  stage.say(`  In full, for ${several?.name ?? ''}:`)
  for (const text of several?.texts ?? []) stage.say(`    - ${text}`)
  promises.expect(
    'every faulty record is refused',
    refused.every(({ status }) => status === 400 || status === 422)
  )

  heading(stage, '3. The same jab reported twice is kept twice and counted once')
  const linked = accepted.filter(({ rules }) => rules.includes('same-event-linked'))
  for (const { name } of linked) stage.say(`  ${name} was linked to a vaccination already held`)
  promises.expect('a second report of the same jab is linked', linked.length > 0)
  const resent = await post(stage, 'valid/', calm[0] ?? '')
  stage.say(`  ${resent.name} sent once more: ${resent.status}, ${resent.rules.join(', ')}`)
  promises.expect('a resend makes nothing new', resent.status === 200)
  await waitForDestinations(stage, (counts) => counts.every(({ waiting }) => waiting === 0), 'the first deliveries')
  await stage.imms('status')

  heading(stage, '4. Trouble: the NHS API is down and the GP system refuses')
  await control(stage, 'nhs-immunisation-api', { mode: 'down' })
  await control(stage, 'gp-record', { mode: 'refuse' })
  const later = await postAll(stage, 'valid/', trouble)
  promises.expect(
    'accepting goes on',
    later.every(({ status }) => status === 201)
  )
  await waitForDestinations(stage, (counts) => heldAt(counts, 'gp-record') > 0, 'refusals of the GP system')
  await waitForDestinations(stage, (counts) => waitingAt(counts, 'gp-record') === 0, 'all refusals')
  promises.expect('imms status says that there is trouble', (await stage.imms('status')) === 1)
  const held = heldAt(await countDeliveries(stage), 'gp-record')

  heading(stage, '5. Both are well again: what waited goes by itself, what was held is replayed')
  await control(stage, 'nhs-immunisation-api', { mode: 'up' })
  await control(stage, 'gp-record', { mode: 'up' })
  await stage.imms('destination', 'resume', 'nhs-immunisation-api', '--reason', 'the NHS API is up again')
  const dryRun = await stage.imms('replay', '--destination', 'gp-record', '--since', '1h')
  promises.expect(
    'a dry run comes first and changes nothing',
    dryRun === 0 && heldAt(await countDeliveries(stage), 'gp-record') === held
  )
  const replay = ['replay', '--destination', 'gp-record', '--since', '1h', '--start', '--confirm', String(held)]
  promises.expect(
    'the replay starts',
    (await stage.imms(...replay, '--reason', 'the GP system takes records again')) === 0
  )
  await waitForDestinations(stage, (counts) => counts.every(({ waiting, held }) => waiting + held === 0), 'everything')
  promises.expect('imms status says that all is well', (await stage.imms('status')) === 0)

  heading(stage, '6. An NHS service asks for a patient’s history')
  const history = await readHistory(stage)
  for (const line of history) stage.say(`  ${line}`)
  promises.expect('each jab stands in the history once', history.length > 0 && new Set(history).size === history.length)

  heading(stage, 'Summary')
  const counts = await countDeliveries(stage)
  const all = [...accepted, ...later]
  stage.say(`  accepted   ${all.length}, of which ${count(all, ({ isWarned }) => isWarned)} with warnings`)
  stage.say(`  refused    ${refused.length}: ${topRules(refused)}`)
  stage.say(
    `  linked     ${count(all, ({ rules }) => rules.includes('same-event-linked'))} second reports of the same jab`
  )
  stage.say(`  delivered  ${counts.map(({ destination, delivered }) => `${delivered} to ${destination}`).join(', ')}`)
  stage.say(`  held       ${held} by gp-record, all of them replayed`)
  return promises.finish()
}

function createPromises(stage: Stage): { expect(what: string, kept: boolean): void; finish(): number } {
  const missed: string[] = []
  let made = 0
  return {
    expect(what, kept) {
      made++
      if (!kept) missed.push(what)
    },
    finish() {
      for (const what of missed) stage.say(`  NOT AS PROMISED: ${what}`)
      stage.say(`  promises   ${made - missed.length} of ${made} kept`)
      return missed.length
    }
  }
}

function heading(stage: Stage, text: string): void {
  stage.say(`\n${text}`)
}

async function listFixtures(folder: string): Promise<string[]> {
  const names = (await readdir(new URL(folder, FIXTURES))).filter(
    (name) => name.endsWith('.json') && !name.endsWith('.outcome.json')
  )
  // The pharmacy first: a copy can only be linked to what is there.
  return names.sort(
    (left, right) => Number(left.includes('-gp-')) - Number(right.includes('-gp-')) || (left < right ? -1 : 1)
  )
}

async function postAll(stage: Stage, folder: string, names: readonly string[]): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const name of names) answers.push(await post(stage, folder, name))
  stage.say(`  ${names.length} posted: ${[...tally(answers.map(({ status }) => String(status)))].join(', ')}`)
  return answers
}

async function post(stage: Stage, folder: string, name: string): Promise<Answer> {
  const answer = await fetch(`${stage.url}/FHIR/R4/Immunization`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${stage.tokenOf(supplierOf(name))}`,
      'content-type': 'application/fhir+json',
      prefer: 'return=OperationOutcome'
    },
    body: await readFile(new URL(`${folder}${name}`, FIXTURES))
  })
  const { issue } = (await answer.json()) as OperationOutcome
  const told = issue.filter(({ severity }) => answer.ok || severity === 'error')
  return {
    name,
    status: answer.status,
    isWarned: issue.some(({ severity }) => severity === 'warning'),
    rules: [...new Set(told.map(({ details }) => details?.coding?.[0]?.code ?? ''))],
    texts: told.map(({ details, expression }) => `${expression?.[0] ?? ''}: ${details?.text ?? ''}`)
  }
}

function supplierOf(name: string): string {
  if (name.includes('-gp-')) return 'gp-system'
  if (name.includes('school')) return 'school-service'
  return /hospital|maternity/.test(name) ? 'maternity' : 'pharmacy'
}

async function control(stage: Stage, destination: string, change: { mode: string }): Promise<void> {
  const answer = await fetch(`${stage.sandboxUrl}/control/${destination}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(change)
  })
  if (!answer.ok) throw new Error(`the sandbox did not take ${change.mode} for ${destination}: ${answer.status}`)
}

async function countDeliveries(stage: Stage): Promise<DestinationCounts[]> {
  const answer = await fetch(`${stage.url}/ops/status`, { headers: { authorization: `Bearer ${stage.opsToken}` } })
  const { destinations } = (await answer.json()) as { destinations: Record<string, number | string>[] }
  return destinations.map((row) => ({
    destination: String(row['destination']),
    held: Number(row['held']),
    delivered: Number(row['delivered']),
    waiting: ['due', 'retrying', 'blocked', 'queued', 'inFlight', 'verify'].reduce(
      (sum, name) => sum + Number(row[name]),
      0
    )
  }))
}

function heldAt(counts: readonly DestinationCounts[], destination: string): number {
  return counts.find((row) => row.destination === destination)?.held ?? 0
}

function waitingAt(counts: readonly DestinationCounts[], destination: string): number {
  return counts.find((row) => row.destination === destination)?.waiting ?? 0
}

async function waitForDestinations(
  stage: Stage,
  isReached: (counts: readonly DestinationCounts[]) => boolean,
  what: string
): Promise<void> {
  const giveUpAt = performance.now() + 60_000
  while (!isReached(await countDeliveries(stage))) {
    if (performance.now() > giveUpAt) throw new Error(`waited a minute for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function readHistory(stage: Stage): Promise<string[]> {
  const text = await readFile(new URL(`valid/${PATIENT_OF_HISTORY}`, FIXTURES), 'utf8')
  const posted = JSON.parse(text) as Immunization
  const patient = findPatient(posted)
  const identifier = patient?.identifier?.[0]
  const answer = await fetch(`${stage.url}/FHIR/R4/Immunization/_search`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${stage.tokenOf('nhs-service')}`,
      'content-type': 'application/x-www-form-urlencoded'
    },
    body: new URLSearchParams({
      'patient.identifier': `${identifier?.system ?? ''}|${identifier?.value ?? ''}`,
      _sort: 'date'
    })
  })
  const bundle = (await answer.json()) as Bundle<Immunization>
  return (bundle.entry ?? []).flatMap(({ resource }) =>
    resource === undefined
      ? []
      : [`${(resource.occurrenceDateTime ?? '').slice(0, 10)}  ${nameOf(resource)}  Immunization/${resource.id ?? ''}`]
  )
}

function nameOf(immunization: Immunization): string {
  return immunization.vaccineCode.coding?.[0]?.display ?? immunization.vaccineCode.text ?? 'product not named'
}

function count(answers: readonly Answer[], isCounted: (answer: Answer) => boolean): number {
  return answers.filter(isCounted).length
}

function tally(words: readonly string[]): Set<string> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return new Set([...counts].sort((left, right) => right[1] - left[1]).map(([word, times]) => `${times} x ${word}`))
}

function topRules(refused: readonly Answer[]): string {
  return [...tally(refused.flatMap(({ rules }) => rules))].slice(0, 5).join(', ')
}
