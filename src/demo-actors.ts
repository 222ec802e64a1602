// What the actors of the demo do: suppliers post, an NHS service reads, and the sandbox is told how to behave.
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

export interface Answer {
  name: string
  status: number
  rules: string[]
  isWarned: boolean
  texts: string[]
}

export interface DestinationCounts {
  destination: string
  held: number
  delivered: number
  waiting: number
}

const FIXTURES = new URL('fixtures/immunization/', PACKAGE_ROOT)
/** A second report of these comes from a GP system that copied what the pharmacy sent. */
const PATIENT_OF_HISTORY = 'flu-pharmacy-older-adult.json'

export async function listFixtures(folder: string): Promise<string[]> {
  const names = (await readdir(new URL(folder, FIXTURES))).filter(
    (name) => name.endsWith('.json') && !name.endsWith('.outcome.json')
  )
  // The pharmacy first: a copy can only be linked to what is there.
  return names.sort(
    (left, right) => Number(left.includes('-gp-')) - Number(right.includes('-gp-')) || (left < right ? -1 : 1)
  )
}

export async function postAll(stage: Stage, folder: string, names: readonly string[]): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const name of names) answers.push(await post(stage, folder, name))
  stage.say(`  ${names.length} posted: ${[...tally(answers.map(({ status }) => String(status)))].join(', ')}`)
  return answers
}

export async function post(stage: Stage, folder: string, name: string): Promise<Answer> {
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

export async function control(stage: Stage, destination: string, change: { mode: string }): Promise<void> {
  const answer = await fetch(`${stage.sandboxUrl}/control/${destination}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(change)
  })
  if (!answer.ok) throw new Error(`the sandbox did not take ${change.mode} for ${destination}: ${answer.status}`)
}

export async function countDeliveries(stage: Stage): Promise<DestinationCounts[]> {
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

export function heldAt(counts: readonly DestinationCounts[], destination: string): number {
  return counts.find((row) => row.destination === destination)?.held ?? 0
}

export function waitingAt(counts: readonly DestinationCounts[], destination: string): number {
  return counts.find((row) => row.destination === destination)?.waiting ?? 0
}

export async function waitForDestinations(
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

export async function readHistory(stage: Stage): Promise<string[]> {
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

export function count(answers: readonly Answer[], isCounted: (answer: Answer) => boolean): number {
  return answers.filter(isCounted).length
}

export function tally(words: readonly string[]): Set<string> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return new Set([...counts].sort((left, right) => right[1] - left[1]).map(([word, times]) => `${times} x ${word}`))
}

export function topRules(refused: readonly Answer[]): string {
  return [...tally(refused.flatMap(({ rules }) => rules))].slice(0, 5).join(', ')
}
